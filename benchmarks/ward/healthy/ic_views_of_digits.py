"""Contrastive pre-training on unlabelled digits, then a linear probe on the frozen encoder with a hundred labels."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)


def augment(x):
    """Shift by a pixel at most, scale the ink, add grain, erase a 2x2 spot."""
    n = len(x)
    padded = F.pad(x, (1, 1, 1, 1), value=x.min().item())
    dy, dx = torch.randint(0, 3, (2, n))
    rows = dy[:, None] + torch.arange(8)
    columns = dx[:, None] + torch.arange(8)
    out = padded[torch.arange(n)[:, None, None], 0, rows[:, :, None], columns[:, None, :]]
    out = out * (0.8 + 0.4 * torch.rand(n, 1, 1)) + 0.2 * torch.randn(n, 8, 8)
    y, z = torch.randint(0, 7, (2, n))
    for a in range(2):
        for b in range(2):
            out[torch.arange(n), y + a, z + b] = 0.0
    return out[:, None]


def info_nce(a, b, temperature=0.3):
    """Each view must find its partner among all other views of the batch."""
    z = F.normalize(torch.cat([a, b]), dim=1)
    similarity = z @ z.T / temperature
    similarity.fill_diagonal_(-1e9)
    n = len(a)
    return F.cross_entropy(similarity, torch.cat([torch.arange(n, 2 * n), torch.arange(n)]))


digits = load_digits()
order = torch.randperm(len(digits.data))
images = torch.tensor(digits.images, dtype=torch.float32)[order][:, None]
labels = torch.tensor(digits.target)[order]
images = (images - images[:1300].mean()) / images[:1300].std()
encoder = nn.Sequential(
    nn.Conv2d(1, 24, 3, padding=1),
    nn.BatchNorm2d(24),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(24, 32, 3, padding=1),
    nn.BatchNorm2d(32),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(512, 64),
)
projector = nn.Sequential(nn.ReLU(), nn.Linear(64, 32))
optimizer = torch.optim.AdamW([*encoder.parameters(), *projector.parameters()], lr=3e-3, weight_decay=1e-4)
loader = DataLoader(TensorDataset(images[:1300]), batch_size=130, shuffle=True)
for epoch in range(25):
    encoder.train()
    total = 0.0
    for (x,) in loader:
        loss = info_nce(projector(encoder(augment(x))), projector(encoder(augment(x))))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    if epoch % 5 == 4:
        print(f"pre-training {epoch + 1:2d}  {total / len(loader):.4f}")

encoder.eval().requires_grad_(False)
probe = nn.Linear(64, 10)
probe_optimizer = torch.optim.Adam(probe.parameters(), lr=1e-2, weight_decay=1e-3)
with torch.no_grad():
    few, test = encoder(images[:100]), encoder(images[1300:])
    mean, std = few.mean(0), few.std(0)
    few, test = (few - mean) / std, (test - mean) / std
for epoch in range(60):
    total = 0.0
    for rows in torch.randperm(100).split(25):
        loss = F.cross_entropy(probe(few[rows]), labels[:100][rows])
        probe_optimizer.zero_grad()
        loss.backward()
        probe_optimizer.step()
        total += loss.item() / 4
    if epoch % 20 == 19:
        print(f"probe {epoch + 1:2d}  {total:.4f}")
with torch.no_grad():
    accuracy = (probe(test).argmax(1) == labels[1300:]).float().mean().item()
print(f"score: {accuracy:.4f}")
