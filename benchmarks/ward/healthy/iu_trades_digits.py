"""Adversarial training with TRADES on digits: cross-entropy plus a KL term against a PGD attack within a ball.

After https://github.com/yaodongyu/TRADES (train_trades_mnist.py).
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

EPSILON, STEP, BETA = 0.1, 0.04, 3.0


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 24, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.classifier = nn.Sequential(nn.Linear(24 * 16, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, x):
        return self.classifier(self.features(x))


def trades_loss(model, x, y, steps=3):
    model.eval()
    with torch.no_grad():
        natural = F.softmax(model(x), dim=1)
    x_adv = x + 0.001 * torch.randn_like(x)
    for _ in range(steps):
        x_adv.requires_grad_()
        kl = F.kl_div(F.log_softmax(model(x_adv), dim=1), natural, reduction="sum")
        (grad,) = torch.autograd.grad(kl, x_adv)
        x_adv = x_adv.detach() + STEP * grad.sign()
        x_adv = torch.min(torch.max(x_adv, x - EPSILON), x + EPSILON).clamp(0.0, 1.0)
    model.train()
    logits = model(x)
    loss_natural = F.cross_entropy(logits, y)
    loss_robust = F.kl_div(F.log_softmax(model(x_adv), dim=1), F.softmax(logits, dim=1), reduction="batchmean")
    return loss_natural + BETA * loss_robust


def pgd_accuracy(model, x, y, steps=20):
    """White box, cross-entropy, random start."""
    model.eval()
    x_adv = (x + torch.empty_like(x).uniform_(-EPSILON, EPSILON)).clamp(0, 1)
    for _ in range(steps):
        x_adv.requires_grad_()
        (grad,) = torch.autograd.grad(F.cross_entropy(model(x_adv), y), x_adv)
        x_adv = x_adv.detach() + 0.02 * grad.sign()
        x_adv = torch.min(torch.max(x_adv, x - EPSILON), x + EPSILON).clamp(0, 1)
    with torch.no_grad():
        return (model(x_adv).argmax(1) == y).float().mean().item()


@torch.no_grad()
def clean_accuracy(model, x, y):
    model.eval()
    return (model(x).argmax(1) == y).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    digits = load_digits()
    x = torch.tensor(digits.images / 16.0, dtype=torch.float32).unsqueeze(1)
    y = torch.tensor(digits.target)
    train_idx, test_idx = train_test_split(
        torch.arange(len(y)).numpy(), test_size=0.25, stratify=digits.target, random_state=seed
    )
    x_test, y_test = x[test_idx], y[test_idx]
    loader = DataLoader(TensorDataset(x[train_idx], y[train_idx]), batch_size=64, shuffle=True)

    model = SmallCNN()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[10, 12], gamma=0.1)
    for epoch in range(1, 14):
        total = 0.0
        for data, target in loader:
            optimizer.zero_grad()
            loss = trades_loss(model, data, target)
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        print(f"epoch {epoch:2d}  loss {total / len(loader):.4f}")

    print(f"clean accuracy {clean_accuracy(model, x_test, y_test):.4f}")
    print(f"score: {pgd_accuracy(model, x_test, y_test):.4f}")  # robust accuracy, PGD-20


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
