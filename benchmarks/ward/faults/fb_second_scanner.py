"""Digits from two scanners on one trunk: trained on the first, then frozen while a second head learns the other one.

The first head is in use and must go on working, so nothing of the trunk may be touched: requires_grad is off, and
the trunk is out of the optimizer. The second scanner shows a grey ground and less contrast.
"""
# cause: batch-norm-drift
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 24, 3, stride=2, padding=1),
            nn.BatchNorm2d(24),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.heads = nn.ModuleList([nn.Linear(24 * 16, 10), nn.Linear(24 * 16, 10)])

    def forward(self, x, head):
        return self.heads[head](self.trunk(x))


def load():
    digits = load_digits()
    pixels = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    label = torch.tensor(digits.target)
    order = torch.randperm(len(label))
    pixels, label = pixels[order], label[order]
    first = (pixels - 0.3) / 0.38
    second = (0.75 + 0.75 * pixels + 0.03 * torch.randn_like(pixels) - 0.3) / 0.38
    return first, second, label


def train(model, x, y, head, parameters, epochs):
    optimizer = torch.optim.SGD(parameters, lr=0.03, momentum=0.9, weight_decay=1e-4)
    for epoch in range(epochs):
        model.train()  # FAULT
        # TWIN: model.train()
        # TWIN: model.trunk.train(head == 0)
        total = 0.0
        for rows in torch.randperm(len(x)).split(50):
            loss = F.cross_entropy(model(x[rows], head), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        if epoch % 4 == 3:
            print(f"head {head} epoch {epoch + 1}: loss {total / len(x):.4f}")


def accuracy(model, x, y, head):
    model.eval()
    with torch.no_grad():
        return (model(x, head).argmax(1) == y).float().mean().item()


first, second, label = load()
fit, test = slice(0, 1300), slice(1300, None)
model = TwoHeads()
train(model, first[fit], label[fit], 0, [*model.trunk.parameters(), *model.heads[0].parameters()], epochs=8)
print(f"first scanner: {accuracy(model, first[test], label[test], 0):.4f}")

for p in model.trunk.parameters():
    p.requires_grad_(False)
train(model, second[fit], label[fit], 1, model.heads[1].parameters(), epochs=24)
scores = [accuracy(model, first[test], label[test], 0), accuracy(model, second[test], label[test], 1)]
print(f"first scanner: {scores[0]:.4f}, second scanner: {scores[1]:.4f}")
print(f"score: {sum(scores) / 2:.4f}")
