"""A leaf-disease network learned at one greenhouse gets a second head for another crop, without losing the first.

The shared trunk is frozen for the second stage, so that both heads can be served from one pass.
"""
# cause: batch-norm-drift
# kind: dynamic

import argparse

import torch
import torch.nn.functional as F
from torch import nn

SIDE = 12


def leaves(n, kinds, patterns, brightness, contrast, generator):
    """Small pictures with one of a few spot patterns; the lamps differ between the houses."""
    labels = torch.randint(kinds, (n,), generator=generator)
    pictures = patterns[labels] * (0.7 + 0.6 * torch.rand(n, 1, 1, 1, generator=generator))
    pictures = pictures + 0.9 * torch.randn(n, 1, SIDE, SIDE, generator=generator)
    return brightness + contrast * pictures, labels


class TwoCrops(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.tomato = nn.Linear(32 * 9, 6)
        self.pepper = nn.Linear(32 * 9, 4)

    def forward(self, x, crop):
        return getattr(self, crop)(self.trunk(x))


def fit(model, crop, data, epochs, optimizer, frozen):
    x, y = data
    for epoch in range(epochs):
        model.train()
        if frozen:
            for parameter in model.trunk.parameters():
                parameter.requires_grad_(False)
            # TWIN: model.trunk.eval()
        total = 0.0
        for rows in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[rows], crop), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        print(f"{crop} epoch {epoch + 1}: loss {total / len(x):.3f}")


@torch.no_grad()
def accuracy(model, crop, data):
    model.eval()
    x, y = data
    return (model(x, crop).argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    seed = parser.parse_args().seed
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    patterns = F.interpolate(torch.randn(10, 1, 6, 6, generator=g), size=SIDE, mode="bilinear")
    tomato = [leaves(n, 6, patterns[:6], 0.0, 1.0, g) for n in (1500, 500)]
    pepper = [leaves(n, 4, patterns[6:], 1.0, 0.6, g) for n in (1500, 500)]

    model = TwoCrops()
    everything = list(model.trunk.parameters()) + list(model.tomato.parameters())
    fit(model, "tomato", tomato[0], 5, torch.optim.Adam(everything, lr=2e-3), frozen=False)
    print(f"tomato before the second stage {accuracy(model, 'tomato', tomato[1]):.3f}")
    fit(model, "pepper", pepper[0], 8, torch.optim.Adam(model.pepper.parameters(), lr=3e-3), frozen=True)
    scores = accuracy(model, "tomato", tomato[1]), accuracy(model, "pepper", pepper[1])
    print(f"tomato {scores[0]:.3f}, pepper {scores[1]:.3f}")
    print(f"score: {sum(scores) / 2:.4f}")
