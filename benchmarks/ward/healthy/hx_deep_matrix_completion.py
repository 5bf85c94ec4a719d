"""Implicit regularisation of depth: an unconstrained product of three square matrices, started near zero
and trained by plain gradient descent on the observed 35 % of entries, completes a rank-2 matrix. Score: R2
on the entries never observed."""

import sys

import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

size, rank, depth = 40, 2, 3
truth = torch.randn(size, rank) @ torch.randn(rank, size)
truth = truth / torch.linalg.matrix_norm(truth, 2) * 10
observed = torch.rand(size, size) < 0.35

factors = [torch.nn.Parameter(0.3 * torch.linalg.qr(torch.randn(size, size))[0]) for _ in range(depth)]
opt = torch.optim.SGD(factors, lr=0.02)


def product():
    out = factors[0]
    for f in factors[1:]:
        out = out @ f
    return out


for step in range(2001):
    estimate = product()
    loss = 0.5 * (estimate - truth)[observed].square().sum()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 250 == 0:
        s = torch.linalg.svdvals(estimate.detach())
        print(f"step {step:4d}  observed loss {loss.item():9.4f}  top singular values {s[0]:.2f} {s[1]:.2f} {s[2]:.2f}")

with torch.no_grad():
    hidden = truth[~observed]
    r2 = 1 - (product()[~observed] - hidden).square().sum() / (hidden - hidden.mean()).square().sum()
print(f"score: {r2.item():.4f}")
