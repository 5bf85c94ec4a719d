"""Full-batch regression by hand: two weight matrices, tanh in between, squared error written out.

Fault: (out - y) subtracts an (N,) target from an (N, 1) output, the mean runs over an N x N matrix.
"""
# cause: broadcast-loss
# kind: dynamic

import math
import sys

import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
gen = torch.Generator().manual_seed(seed)

N, D, H = 400, 5, 32
x_all = torch.rand(N + 200, D, generator=gen) * 2 - 1
y_all = torch.sin(3 * x_all[:, 0]) + x_all[:, 1] * x_all[:, 2] - 0.5 * x_all[:, 3]
y_all = y_all + 0.05 * torch.randn(N + 200, generator=gen)
x, y = x_all[:N], y_all[:N]
x_new, y_new = x_all[N:], y_all[N:]

w1 = (torch.randn(D, H, generator=gen) / math.sqrt(D)).requires_grad_()
b1 = torch.zeros(H, requires_grad=True)
w2 = (torch.randn(H, 1, generator=gen) / math.sqrt(H)).requires_grad_()
b2 = torch.zeros(1, requires_grad=True)


def predict(inp):
    return torch.tanh(inp @ w1 + b1) @ w2 + b2


optimizer = torch.optim.Adam([w1, b1, w2, b2], lr=0.02)
for step in range(600):
    out = predict(x)
    loss = ((out - y) ** 2).mean()  # FAULT
    # TWIN: loss = ((out.squeeze(1) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, f"{loss.item():.5f}")

with torch.no_grad():
    residual = predict(x_new).view(-1) - y_new
print(f"score: {(1 - residual.pow(2).mean() / y_new.var()).item():.4f}")
