"""Estimates the lit share and the tilt of the moon on small photographs: a plain stack of convolutions.

The way the weights begin was copied from the image generator that runs in the same project.
"""
# cause: bad-initialization
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

SIZE = 16


def draw(count, rng):
    rows, columns = np.mgrid[:SIZE, :SIZE]
    images, targets = [], []
    for _ in range(count):
        radius = rng.uniform(5.5, 7.0)
        y = (rows - 7.5 + rng.uniform(-0.7, 0.7)) / radius
        x = (columns - 7.5 + rng.uniform(-0.7, 0.7)) / radius
        tilt, edge = rng.uniform(-np.pi, np.pi), rng.uniform(-0.9, 0.9)
        along, across = x * np.cos(tilt) + y * np.sin(tilt), -x * np.sin(tilt) + y * np.cos(tilt)
        disc = x**2 + y**2 < 1
        lit = disc & (along > edge * np.sqrt(np.clip(1 - across**2, 0, 1)))
        image = 0.15 * disc + rng.uniform(0.7, 1.0) * lit + rng.normal(scale=0.07, size=disc.shape)
        images.append((image - 0.35) / 0.4)
        targets.append([edge / 0.52, np.cos(tilt) / 0.71, np.sin(tilt) / 0.71])
    return TensorDataset(
        torch.tensor(np.array(images), dtype=torch.float32).unsqueeze(1), torch.tensor(targets, dtype=torch.float32)
    )


class MoonNet(nn.Module):
    def __init__(self, widths=(16, 16, 24, 24, 32)):
        super().__init__()
        layers, before = [], 1
        for index, width in enumerate(widths):
            layers += [nn.Conv2d(before, width, 3, stride=1 + index % 2, padding=1), nn.ReLU()]
            before = width
        self.convolutions = nn.Sequential(*layers)
        self.dense = nn.Sequential(nn.Flatten(), nn.Linear(before * 16, 64), nn.ReLU(), nn.Linear(64, 3))

    def forward(self, images):
        return self.dense(self.convolutions(images))


def begin(module):
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.normal_(module.weight, 0.0, 0.02)  # FAULT
        # TWIN: nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)


def r_squared(model, dataset):
    model.eval()
    images, targets = dataset.tensors
    with torch.no_grad():
        errors = (model(images) - targets).square().mean(0)
    return (1 - errors / targets.var(0)).mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    training, held_out = draw(2000, rng), draw(400, rng)
    loader = DataLoader(training, batch_size=40, shuffle=True)
    model = MoonNet()
    model.apply(begin)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)
    for epoch in range(12):
        model.train()
        total = 0.0
        for images, targets in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(images), targets)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += loss.item() / len(loader)
        scheduler.step()
        print(f"epoch {epoch + 1:2d}: squared error {total:.4f}, held-out R2 {r_squared(model, held_out):.4f}")
    print(f"score: {r_squared(model, held_out):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
