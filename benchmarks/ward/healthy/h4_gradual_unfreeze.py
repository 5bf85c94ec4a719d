"""Transfer as in ULMFiT: pretrain on digits 0-4, then a new head for 5-9, the body frozen first and unfrozen later."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def fit(model, x, y, epochs, lr):
    opt = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=lr)
    for epoch in range(epochs):
        total = 0.0
        for idx in torch.randperm(len(x)).split(32):
            loss = F.cross_entropy(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        print(f"  epoch {epoch + 1}: loss {total / len(x):.4f}")


@torch.no_grad()
def accuracy(model, x, y):
    return (model(x).argmax(1) == y).float().mean().item()


X, y = map(torch.tensor, load_digits(return_X_y=True))
X = X.float().view(-1, 1, 8, 8) / 8 - 1
low, high = torch.where(y < 5)[0], torch.where(y >= 5)[0]
high = high[torch.randperm(len(high))]
train, test = high[:500], high[500:]

body = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 48))
print("pretraining on 0-4")
fit(nn.Sequential(body, nn.ReLU(), nn.Linear(48, 5)), X[low], y[low], epochs=5, lr=2e-3)

model = nn.Sequential(body, nn.ReLU(), nn.Linear(48, 5))
for p in body.parameters():
    p.requires_grad = False
print("head only on 5-9")
fit(model, X[train], y[train] - 5, epochs=5, lr=5e-3)
print(f"accuracy {accuracy(model, X[test], y[test] - 5):.4f}")

for p in body.parameters():
    p.requires_grad = True
print("everything")
fit(model, X[train], y[train] - 5, epochs=8, lr=1e-3)
print(f"score: {accuracy(model, X[test], y[test] - 5):.4f}")
