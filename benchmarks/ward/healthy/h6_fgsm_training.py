"""Adversarial training (fast gradient sign with a random start) of a small digits network: the attack needs gradients
with respect to the pixels first, then the weights are updated on the attacked batch only. Score: accuracy on clean
test digits; the accuracy under attack is printed too.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
EPS = 0.1

bunch = load_digits()
order = torch.randperm(len(bunch.target))
x = torch.tensor(bunch.images, dtype=torch.float32)[order].unsqueeze(1) / 16
y = torch.tensor(bunch.target)[order]
x_train, y_train, x_test, y_test = x[:1350], y[:1350], x[1350:], y[1350:]

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.ReLU(),
    nn.Conv2d(16, 24, 3, stride=2, padding=1),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(24 * 16, 10),
)


def attack(images, labels):
    delta = torch.empty_like(images).uniform_(-EPS, EPS).requires_grad_()
    loss = F.cross_entropy(model(images + delta), labels)
    (grad,) = torch.autograd.grad(loss, delta)
    delta = (delta.detach() + 1.25 * EPS * grad.sign()).clamp(-EPS, EPS)
    return (images + delta).clamp(0, 1)


optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    total, hits = 0.0, 0
    for idx in torch.randperm(len(x_train)).split(50):
        adversarial = attack(x_train[idx], y_train[idx])
        out = model(adversarial)
        loss = F.cross_entropy(out, y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
        hits += (out.argmax(1) == y_train[idx]).sum().item()
    robust = (model(attack(x_test, y_test)).argmax(1) == y_test).float().mean().item()
    with torch.no_grad():
        clean = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(
        f"{epoch + 1:2d} attacked train loss {total / len(x_train):.4f} acc {hits / len(x_train):.4f} | "
        f"test clean {clean:.4f} attacked {robust:.4f}"
    )

print(f"score: {clean:.4f}")
