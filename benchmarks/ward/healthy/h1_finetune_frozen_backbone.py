"""Transfer learning on the digits: a backbone with batch norm is trained on the digits 0-4, then frozen on purpose
(requires_grad off, kept in eval so that its running statistics stay put) and only a new head learns the digits 5-9.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

digits = load_digits()
x_all = torch.tensor(digits.data, dtype=torch.float32) / 8 - 1
y_all = torch.tensor(digits.target)
shuffle = torch.randperm(len(x_all))
x_all, y_all = x_all[shuffle], y_all[shuffle]
x_old, y_old = x_all[y_all < 5], y_all[y_all < 5]
x_new, y_new = x_all[y_all >= 5], y_all[y_all >= 5] - 5


def split(x, y, n_test=200):
    return x[n_test:], y[n_test:], x[:n_test], y[:n_test]


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


backbone = nn.Sequential(
    nn.Linear(64, 128),
    nn.BatchNorm1d(128),
    nn.ReLU(),
    nn.Linear(128, 64),
    nn.BatchNorm1d(64),
    nn.ReLU(),
)
criterion = nn.CrossEntropyLoss()

# stage 1: pre-training
pretrain = nn.Sequential(backbone, nn.Linear(64, 5))
xa, ya, xa_test, ya_test = split(x_old, y_old)
optimizer = torch.optim.Adam(pretrain.parameters(), lr=2e-3)
for epoch in range(8):
    pretrain.train()
    for idx in torch.randperm(len(xa)).split(35)[:-1]:
        optimizer.zero_grad()
        criterion(pretrain(xa[idx]), ya[idx]).backward()
        optimizer.step()
    print(f"pre-training epoch {epoch}: accuracy {accuracy(pretrain, xa_test, ya_test):.4f}")

# stage 2: the backbone stays as it is, a new head is trained
for p in backbone.parameters():
    p.requires_grad = False
head = nn.Linear(64, 5)
model = nn.Sequential(backbone, head)
xb, yb, xb_test, yb_test = split(x_new, y_new)
optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)
for epoch in range(30):
    model.train()
    backbone.eval()
    total = 0.0
    for idx in torch.randperm(len(xb)).split(32):
        loss = criterion(model(xb[idx]), yb[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    acc = accuracy(model, xb_test, yb_test)
    print(f"fine-tuning epoch {epoch}: loss {total / len(xb):.4f} accuracy {acc:.4f}")

print(f"score: {acc:.4f}")
