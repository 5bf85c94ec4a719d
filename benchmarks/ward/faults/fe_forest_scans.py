"""Tree species from airborne laser points (a set of 200 points per crown): shared layers per point, then pooled."""
# cause: saturated-units
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

POINTS = 200
SPECIES = ["spruce", "beech", "pine", "birch"]


def crowns(n, generator):
    """Points on noisy crown surfaces: cone, ball, parasol, column; turned, scaled and shaken."""
    species = torch.randint(len(SPECIES), (n,), generator=generator)
    height = torch.rand(n, POINTS, generator=generator)
    angle = 2 * math.pi * torch.rand(n, POINTS, generator=generator)
    shapes = torch.stack(
        [
            1.2 * (1 - height),
            1.9 * (height * (1 - height)).sqrt(),
            0.3 + 0.9 * height**2,
            0.65 * torch.ones_like(height),
        ],
        dim=1,
    )
    radius = shapes[torch.arange(n), species] * (0.8 + 0.4 * torch.rand(n, 1, generator=generator))
    radius = radius + 0.35 * torch.randn(n, POINTS, generator=generator)
    points = torch.stack([radius * angle.cos(), radius * angle.sin(), 2 * height - 1], dim=2)
    return points * 1.4, species


class CrownNet(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.point = nn.Sequential(nn.Linear(3, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.crown = nn.Sequential(
            nn.Linear(width, width),
            nn.Tanh(),
            nn.Linear(width, width),
            nn.Tanh(),
            nn.Linear(width, len(SPECIES)),
        )

    def forward(self, points):
        pooled = self.point(points).sum(dim=1)  # FAULT
        # TWIN: pooled = self.point(points).mean(dim=1)
        return self.crown(pooled)


def epoch_of(model, loader, loss_fn, optimizer=None):
    model.train(optimizer is not None)
    total, right, count = 0.0, 0, 0
    for points, species in loader:
        with torch.set_grad_enabled(optimizer is not None):
            logits = model(points)
            loss = loss_fn(logits, species)
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item() * len(species)
        right += (logits.argmax(1) == species).sum().item()
        count += len(species)
    return total / count, right / count


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    train = DataLoader(TensorDataset(*crowns(1000, g)), batch_size=25, shuffle=True)
    test = DataLoader(TensorDataset(*crowns(400, g)), batch_size=100)
    net = CrownNet()
    adam = torch.optim.Adam(net.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 20)
    for epoch in range(20):
        train_loss, train_accuracy = epoch_of(net, train, nn.CrossEntropyLoss(), adam)
        test_loss, test_accuracy = epoch_of(net, test, nn.CrossEntropyLoss())
        schedule.step()
        print(f"{epoch + 1:2d} {train_loss:.4f} {train_accuracy:.3f} | {test_loss:.4f} {test_accuracy:.3f}")
    print(f"score: {test_accuracy:.4f}")
