"""Pre-train a batch-norm CNN on digits, then freeze it and add a second head for scans stored in [-1, 1].

Both heads are used afterwards, the worse one counts. Fault: the frozen trunk stays in train mode, so its running
statistics move to the scans and the first head no longer fits.
"""
# cause: batch-norm-drift
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)

digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16.0
labels = torch.tensor(digits.target)
order = torch.randperm(len(labels))
images, labels = images[order], labels[order]
train, test = slice(0, 1400), slice(1400, len(labels))
scans = 2.0 * images - 1.0 + 0.03 * torch.randn_like(images)

trunk = nn.Sequential(
    nn.Conv2d(1, 12, 3, padding=1),
    nn.BatchNorm2d(12),
    nn.ReLU(),
    nn.Conv2d(12, 24, 3, padding=1),
    nn.BatchNorm2d(24),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
)
head_a = nn.Linear(24 * 16, 10)
head_b = nn.Linear(24 * 16, 10)


def accuracy(head, x):
    trunk.eval()
    with torch.no_grad():
        return (head(trunk(x)).argmax(1) == labels[test]).float().mean().item()


optimizer = torch.optim.Adam([*trunk.parameters(), *head_a.parameters()], lr=2e-3)
for epoch in range(5):
    trunk.train()
    for idx in torch.randperm(1400).split(50):
        optimizer.zero_grad()
        loss = F.cross_entropy(head_a(trunk(images[train][idx])), labels[train][idx])
        loss.backward()
        optimizer.step()
    print(f"pre-training epoch {epoch + 1}: loss {loss.item():.4f} test acc {accuracy(head_a, images[test]):.4f}")

for p in trunk.parameters():
    p.requires_grad = False
optimizer = torch.optim.Adam(head_b.parameters(), lr=5e-3)
for epoch in range(8):
    trunk.train()  # FAULT
    # TWIN: trunk.eval()
    for idx in torch.randperm(1400).split(50):
        optimizer.zero_grad()
        loss = F.cross_entropy(head_b(trunk(scans[train][idx])), labels[train][idx])
        loss.backward()
        optimizer.step()
    print(f"fine-tuning epoch {epoch + 1}: loss {loss.item():.4f} test acc {accuracy(head_b, scans[test]):.4f}")

acc_a, acc_b = accuracy(head_a, images[test]), accuracy(head_b, scans[test])
print(f"first head {acc_a:.4f}, second head {acc_b:.4f}")
print(f"score: {min(acc_a, acc_b):.4f}")
