"""Fits a noisy damped oscillation with a one-hidden-layer network, full batch, SGD with momentum at 1e-5."""
# cause: learning-rate-too-low
# kind: dynamic

import math
import sys

import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def signal(t):
    return torch.exp(-t.abs()) * torch.cos(math.pi * t)


t = 4 * torch.rand(400, 1) - 2
y = signal(t) + 0.05 * torch.randn(400, 1)
t_test = torch.linspace(-2, 2, 200).unsqueeze(1)
y_test = signal(t_test)

net = torch.nn.Sequential(
    torch.nn.Linear(1, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.Tanh(), torch.nn.Linear(64, 1)
)
learning_rate = 1e-5  # FAULT
# TWIN: learning_rate = 5e-2
optimizer = torch.optim.SGD(net.parameters(), lr=learning_rate, momentum=0.9)

for step in range(1500):
    residual = net(t) - y
    loss = residual.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 250 == 249:
        print(f"{step + 1:5d} {loss.item():.6f}")

with torch.no_grad():
    error = (net(t_test) - y_test).pow(2).mean() / y_test.var()
print(f"score: {1 - error.item():.4f}")
