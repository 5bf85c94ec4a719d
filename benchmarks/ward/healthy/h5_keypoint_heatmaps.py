"""Keypoint localisation: a fully convolutional net draws one heatmap per end of a noisy line segment with a bright and
a dark end, trained by weighted squared error against Gaussian bumps; the soft arg-max gives coordinates.
"""

import argparse

import torch
from torch import nn

SIZE = 20
ap = argparse.ArgumentParser()
ap.add_argument("seed", type=int, nargs="?", default=0)
seed = ap.parse_args().seed
torch.set_num_threads(1)
torch.manual_seed(seed)

grid = torch.stack(torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij"), -1).float()


def bump(points, sigma):
    d2 = ((grid - points[..., None, None, :]) ** 2).sum(-1)
    return torch.exp(-d2 / (2 * sigma**2))


def segments(n):
    ends = 2 + (SIZE - 5) * torch.rand(n, 2, 2)
    along = torch.linspace(0, 1, 12)[:, None]
    path = ends[:, :1] * (1 - along) + ends[:, 1:] * along  # n, 12, 2
    brightness = torch.linspace(1.5, -1.5, 12)[:, None, None]
    image = (bump(path, 0.8) * brightness).sum(1, keepdim=True) + 0.2 * torch.randn(n, 1, SIZE, SIZE)
    return image, ends


net = nn.Sequential(
    nn.Conv2d(1, 12, 5, padding=2),
    nn.ReLU(),
    nn.Conv2d(12, 16, 3, padding=2, dilation=2),
    nn.ReLU(),
    nn.Conv2d(16, 16, 3, padding=4, dilation=4),
    nn.ReLU(),
    nn.Conv2d(16, 2, 1),
)
for m in net:
    if isinstance(m, nn.Conv2d):
        nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
        nn.init.zeros_(m.bias)
nn.init.normal_(net[-1].weight, std=0.05)

x_train, p_train = segments(600)
x_val, p_val = segments(150)
h_train = bump(p_train, 1.5)


def locate(heat):
    w = torch.softmax(8 * heat.flatten(2), 2)
    return w @ grid.view(-1, 2)


optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12, eta_min=1e-4)
for epoch in range(12):
    epoch_loss = 0.0
    for idx in torch.randperm(len(x_train)).split(25):
        heat = net(x_train[idx])
        weight = 1 + 10 * h_train[idx]  # most of a heatmap is empty
        loss = (weight * (heat - h_train[idx]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(idx)
    scheduler.step()
    with torch.no_grad():
        error = (locate(net(x_val)) - p_val).norm(dim=-1)
    print(f"epoch {epoch + 1}: heatmap loss {epoch_loss / 600:.4f}, mean error {error.mean():.2f} pixels")

print(f"score: {(error < 2.0).float().mean():.4f}")
