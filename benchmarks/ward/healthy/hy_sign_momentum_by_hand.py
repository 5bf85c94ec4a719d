"""Tissue classes from gene expression, by an update written in the loop: the sign of a running mean of the gradients,
with a falling step. There is no optimizer object, and gradients are set to None by hand."""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
GENES, TISSUES = 50, 6
programs = torch.randn(TISSUES, GENES) * 0.8


def samples(n):
    tissue = torch.randint(TISSUES, (n,))
    return programs[tissue] * (0.5 + torch.rand(n, 1)) + torch.randn(n, GENES), tissue


x, y = samples(1500)
x_test, y_test = samples(500)
model = nn.Sequential(nn.Linear(GENES, 64), nn.ReLU(), nn.Linear(64, TISSUES))
velocity = [torch.zeros_like(p) for p in model.parameters()]
steps, step = 12 * 30, 0
for epoch in range(12):
    total = 0.0
    for idx in torch.randperm(1500).split(50):
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        loss.backward()
        total += loss.item()
        size = 1e-3 * (1 - step / steps)
        with torch.no_grad():
            for p, v in zip(model.parameters(), velocity):
                v.mul_(0.9).add_(p.grad, alpha=0.1)
                p.sub_(v.sign(), alpha=size)
                p.grad = None
        step += 1
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1:2d} loss {total / 30:.4f} test {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
