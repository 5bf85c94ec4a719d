"""Fit a small network to enzyme reaction rates with Levenberg-Marquardt steps instead of an optimizer.

The Jacobian of all residuals comes from torch.func; damping rises when a trial step fails and falls when it works.
"""

import sys

import torch
from torch.func import functional_call, jacrev, vmap

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def assays(n):
    substrate = 10 ** (torch.rand(n) * 2 - 1)
    inhibitor = 3 * torch.rand(n)
    ph = 5.5 + 3 * torch.rand(n)
    bell = 1 / (1 + 10 ** (6.2 - ph) + 10 ** (ph - 8.0))
    rate = 4.0 * substrate / (1.2 * (1 + inhibitor / 0.8) + substrate) * bell
    inputs = torch.stack([substrate.log10(), (inhibitor - 1.5) / 0.9, (ph - 7.0) / 0.9], dim=1)
    return inputs, rate + 0.03 * torch.randn(n)


x, y = assays(800)
x_test, y_test = assays(500)
net = torch.nn.Sequential(
    torch.nn.Linear(3, 10), torch.nn.Tanh(), torch.nn.Linear(10, 6), torch.nn.Tanh(), torch.nn.Linear(6, 1)
)
names = [name for name, _ in net.named_parameters()]
shapes = [p.shape for p in net.parameters()]
sizes = [p.numel() for p in net.parameters()]
theta = torch.cat([p.detach().flatten() for p in net.parameters()])


def predict(flat, row):
    pieces = {n: chunk.view(s) for n, s, chunk in zip(names, shapes, flat.split(sizes), strict=True)}
    return functional_call(net, pieces, (row,)).squeeze(-1)


jacobian = vmap(jacrev(predict), in_dims=(None, 0))
PRIOR = 1e-3  # small ridge term on all the weights


def objective(flat):
    return (predict(flat, x) - y).square().sum() + PRIOR * flat.square().sum()


damping, current, accepted = 1.0, objective(theta), 0
for iteration in range(80):
    J = jacobian(theta, x)
    residual = predict(theta, x) - y
    gradient = J.T @ residual + PRIOR * theta
    curvature = J.T @ J + PRIOR * torch.eye(len(theta))
    for _ in range(8):
        step = torch.linalg.solve(curvature + damping * torch.eye(len(theta)), gradient)
        trial = objective(theta - step)
        if trial < current:
            theta, current, accepted = theta - step, trial, accepted + 1
            damping = max(damping / 3, 1e-6)
            break
        damping *= 2
    if iteration % 10 == 0:
        print(f"iteration {iteration:2d} objective {current.item():.5f} damping {damping:.1e}")

print(f"{accepted} accepted steps, |gradient| {gradient.norm().item():.2e}")
test_error = predict(theta, x_test) - y_test
r2 = 1 - test_error.square().sum() / (y_test - y_test.mean()).square().sum()
print(f"score: {r2.item():.4f}")
