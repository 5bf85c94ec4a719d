"""Transfers a network trained on the digits 0 to 4 to the digits 5 to 9: the old layers learn at a tenth of the rate
of the new head, each group with its own warm-up."""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn


def fit(model, optimizer, x, y, epochs, scheduler=None):
    for epoch in range(epochs):
        model.train()
        total, steps = 0.0, 0
        for idx in torch.randperm(len(x)).split(32):
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            total, steps = total + loss.item(), steps + 1
        print(f"  epoch {epoch + 1} loss {total / steps:.4f}")


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 8 - 0.6
y = torch.tensor(digits.target)
low, high = (y < 5).nonzero().squeeze(1), (y >= 5).nonzero().squeeze(1)
high = high[torch.randperm(len(high))]
train, test = high[:600], high[600:]

body = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU())
print("first five digits")
first = nn.Sequential(body, nn.Linear(48, 5))
fit(first, torch.optim.Adam(first.parameters(), lr=2e-3), x[low], y[low], 10)
print("last five digits")
second = nn.Sequential(body, nn.Linear(48, 5))
groups = [{"params": body.parameters(), "lr": 5e-4}, {"params": second[1].parameters(), "lr": 5e-3}]
optimizer = torch.optim.AdamW(groups)
scheduler = torch.optim.lr_scheduler.LambdaLR(
    optimizer, [lambda s: min(1, (s + 1) / 40), lambda s: min(1, (s + 1) / 10)]
)
fit(second, optimizer, x[train], y[train] - 5, 15, scheduler)
print(f"score: {accuracy(second, x[test], y[test] - 5):.4f}")
