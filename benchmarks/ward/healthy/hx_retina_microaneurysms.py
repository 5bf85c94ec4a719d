"""Screening of synthetic retinal patches (1x16x16): does the patch contain small dark round lesions next to
the vessels? A compact CNN with one logit and BCEWithLogitsLoss; flips are used as augmentation."""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
g = torch.Generator().manual_seed(seed)
torch.manual_seed(seed)


def patches(n):
    ys, xs = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    angle = torch.rand(n, 1, 1, generator=g) * 3.14159
    offset = torch.rand(n, 1, 1, generator=g) * 8 - 4
    distance = (xs - 7.5) * torch.cos(angle) + (ys - 7.5) * torch.sin(angle) - offset
    image = -0.8 * torch.exp(-((distance / 1.2) ** 2))  # the vessel
    sick = (torch.rand(n, generator=g) < 0.5).float()
    for _ in range(2):
        cx, cy = 2 + 11 * torch.rand(2, n, 1, 1, generator=g)
        spot = torch.exp(-((xs - cx) ** 2 + (ys - cy) ** 2) / 2.2)
        image = image - 1.1 * sick.view(n, 1, 1) * spot
    image = image + 0.2 * torch.randn(n, 16, 16, generator=g)
    image = (image - image.mean((1, 2), keepdim=True)) / 0.4
    return image.unsqueeze(1), sick


train_x, train_y = patches(1200)
valid_x, valid_y = patches(400)

cnn = nn.Sequential(
    nn.Conv2d(1, 12, 3, padding=1),
    nn.ReLU(),
    nn.Conv2d(12, 12, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(12, 24, 3, padding=1),
    nn.ReLU(),
    nn.AdaptiveMaxPool2d(2),
    nn.Flatten(),
    nn.Linear(96, 1),
)
opt = torch.optim.Adam(cnn.parameters(), lr=2e-3)
bce = nn.BCEWithLogitsLoss()

for epoch in range(12):
    cnn.train()
    total = 0.0
    for idx in torch.randperm(len(train_x), generator=g).split(60):
        xb = train_x[idx]
        if torch.rand(1, generator=g).item() < 0.5:
            xb = xb.flip(3)
        if torch.rand(1, generator=g).item() < 0.5:
            xb = xb.flip(2)
        loss = bce(cnn(xb).squeeze(1), train_y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    cnn.eval()
    with torch.no_grad():
        logit = cnn(valid_x).squeeze(1)
        valid_loss = bce(logit, valid_y).item()
        accuracy = ((logit > 0) == (valid_y > 0.5)).float().mean().item()
    print(f"epoch {epoch:2d} train {total / len(train_x):.4f} valid {valid_loss:.4f} acc {accuracy:.3f}")

with torch.no_grad():
    flagged = cnn(valid_x).squeeze(1) > 0
print(
    f"sensitivity {flagged[valid_y == 1].float().mean():.3f} specificity {(~flagged)[valid_y == 0].float().mean():.3f}"
)
print(f"score: {accuracy:.4f}")
