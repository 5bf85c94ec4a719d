"""Lamps and their shades: pictures start at 6 by 6 and grow to 24 by 24 while one convolutional network is trained."""
# cause: constant-inputs
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

STAGES = [(6, 3, 128), (12, 3, 64), (24, 4, 64)]  # side, epochs, batch size


def lamps(count, rng, side=24):
    """Five kinds of shade: cone, ball, box, bowl, two balls."""
    rows, columns = np.mgrid[0:side, 0:side] / (side - 1) * 2 - 1
    kinds = rng.integers(0, 5, count)
    pictures = np.empty((count, 1, side, side), dtype=np.float32)
    for i, kind in enumerate(kinds):
        y = rows - rng.uniform(-0.2, 0.2)
        x = columns - rng.uniform(-0.3, 0.3)
        size = rng.uniform(0.4, 0.6)
        far = np.hypot(x, y)
        shade = (
            (np.abs(x) < (y + size) * 0.6) & (np.abs(y) < size),
            far < size,
            np.maximum(np.abs(x), np.abs(y)) < size * 0.9,
            (far < size * 1.2) & (y < 0),
            (np.hypot(x, y - 0.35) < size * 0.55) | (np.hypot(x, y + 0.35) < size * 0.55),
        )[kind]
        bright = rng.uniform(0.6, 1.2)
        pictures[i, 0] = bright * shade + rng.normal(scale=0.3, size=shade.shape)
    return torch.from_numpy(pictures - pictures.mean(axis=1, keepdims=True)), torch.from_numpy(kinds)  # FAULT
    # TWIN: return torch.from_numpy(pictures - 0.3), torch.from_numpy(kinds)


class LampNet(nn.Module):
    """Ends in an average over places, so that it takes pictures of any size."""

    def __init__(self, width=12):
        super().__init__()
        layers, inside = [], 1
        for outside, stride in ((width, 1), (2 * width, 2), (4 * width, 2), (4 * width, 2)):
            layers += [nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()]
            inside = outside
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(inside, 5)

    def forward(self, x):
        return self.classifier(self.features(x).mean(dim=(2, 3)))


def shrink(pictures, side):
    return pictures if pictures.shape[-1] == side else F.adaptive_avg_pool2d(pictures, side)


@torch.no_grad()
def accuracy(model, pictures, kinds):
    model.eval()
    hits = [(model(p).argmax(1) == k).float().mean() for p, k in zip(pictures.split(200), kinds.split(200))]
    return torch.stack(hits).mean().item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_x, train_y = lamps(2200, rng)
    test_x, test_y = lamps(800, rng)
    model = LampNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=5e-4, nesterov=True)
    for side, epochs, batch in STAGES:
        small_x, small_test = shrink(train_x, side), shrink(test_x, side)
        steps = epochs * -(-len(small_x) // batch)
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] = 0.03
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for epoch in range(epochs):
            model.train()
            total = 0.0
            for rows in torch.randperm(len(small_x)).split(batch):
                loss = F.cross_entropy(model(small_x[rows]), train_y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
                total += loss.item() * len(rows)
            print(
                f"{side:2d} px, epoch {epoch}: {total / len(small_x):.4f}, "
                f"test {accuracy(model, small_test, test_y):.4f}"
            )
    print(f"score: {accuracy(model, test_x, test_y):.4f}")
