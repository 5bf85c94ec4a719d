"""Five kinds of shell from a 12x12 photograph; the training labels come from a school class that did the sorting.

The shells of the held-out set were sorted by two biologists.
"""
# cause: noisy-labels
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    seed: int = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    kinds: int = 5
    train: int = 2000
    val: int = 600
    batch: int = 50
    epochs: int = 9
    rate: float = 1e-3


cfg = Config()
torch.set_num_threads(1)
torch.manual_seed(cfg.seed)


def photographs(n):
    """Shells of each kind have their own ratio of axes and number of ribs."""
    kind = torch.randint(0, cfg.kinds, (n,))
    grid = torch.linspace(-1, 1, 12)
    yy, xx = torch.meshgrid(grid, grid, indexing="ij")
    shift = 0.25 * torch.randn(n, 2, 1, 1)
    ratio = torch.tensor([0.5, 0.8, 0.5, 0.8, 0.65])[kind].view(-1, 1, 1)
    ribs = torch.tensor([3.0, 3.0, 7.0, 7.0, 5.0])[kind].view(-1, 1, 1)
    dx, dy = xx - shift[:, 0], yy - shift[:, 1]
    body = ((dx / 0.8) ** 2 + (dy / (0.8 * ratio)) ** 2 < 1).float()
    picture = body * (1 + 0.6 * torch.cos(ribs * dx * 2)) + 0.25 * torch.randn(n, 12, 12)
    return ((picture - 0.45) / 0.6).unsqueeze(1), kind


x, y = photographs(cfg.train)
x_val, y_val = photographs(cfg.val)
unsure = torch.rand(len(y)) < 0.42  # FAULT
y = torch.where(unsure, (y + 1) % cfg.kinds, y)  # FAULT

net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(32 * 9, 64),
    nn.ReLU(),
    nn.Linear(64, cfg.kinds),
)
loader = DataLoader(TensorDataset(x, y), batch_size=cfg.batch, shuffle=True)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=cfg.rate)

for epoch in range(cfg.epochs):
    net.train()
    seen, right = 0.0, 0
    for images, kinds in loader:
        logits = net(images)
        loss = criterion(logits, kinds)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen += loss.item()
        right += (logits.argmax(1) == kinds).sum().item()
    net.eval()
    with torch.no_grad():
        logits = net(x_val)
        accuracy = (logits.argmax(1) == y_val).float().mean().item()
    print(
        f"{epoch:2d} loss {seen / len(loader):.3f} acc {right / cfg.train:.3f} "
        f"val {criterion(logits, y_val).item():.3f} {accuracy:.3f}"
    )
print(f"score: {accuracy:.4f}")
