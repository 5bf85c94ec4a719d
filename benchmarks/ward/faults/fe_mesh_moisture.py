"""Soil moisture class (dry, fresh, wet) at every station of a radio mesh, from noisy probes, with a graph network.

Stations only hear others nearby, so five rounds of messages smooth the probes over the field.
"""
# cause: exploding-gradient
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Settings:
    seed: int = 0
    stations: int = 150
    neighbours: int = 14
    rounds: int = 5
    width: int = 32
    epochs: int = 25
    lr: float = 0.05


def fields(n, settings, generator):
    """n fields: who hears whom (with oneself), the probes, and the class of each station."""
    where = torch.rand(n, settings.stations, 2, generator=generator)
    distance = torch.cdist(where, where)
    nearest = distance.topk(settings.neighbours, dim=2, largest=False).indices
    hears = torch.zeros_like(distance).scatter_(2, nearest, 1.0)
    wave = 4.0 * torch.randn(n, 1, 2, generator=generator)
    phase = 6.28 * torch.rand(n, 1, generator=generator)
    moisture = torch.sin((where * wave).sum(2) + phase) + 0.4 * torch.cos(5 * where[:, :, 0] + phase)
    probes = moisture.unsqueeze(2) + 1.2 * torch.randn(n, settings.stations, 3, generator=generator)
    return hears, probes, torch.bucketize(moisture, torch.tensor([-0.5, 0.5]))


class Round(nn.Module):
    """One exchange of messages."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.own = nn.Linear(inputs, outputs)
        self.heard = nn.Linear(inputs, outputs, bias=False)

    def forward(self, hears, x):
        messages = hears @ x  # FAULT
        # TWIN: messages = hears @ x / hears.sum(dim=2, keepdim=True)
        return F.relu(self.own(x) + self.heard(messages))


class MeshNet(nn.Module):
    def __init__(self, settings):
        super().__init__()
        widths = [3] + [settings.width] * settings.rounds
        self.rounds = nn.ModuleList(Round(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True))
        self.head = nn.Linear(settings.width, 3)

    def forward(self, hears, x):
        for exchange in self.rounds:
            x = exchange(hears, x)
        return self.head(x)


def accuracy(model, hears, probes, classes):
    model.eval()
    with torch.no_grad():
        return (model(hears, probes).argmax(dim=2) == classes).float().mean().item()


def main(settings):
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    hears, probes, classes = fields(160, settings, generator)
    test = fields(60, settings, generator)
    model = MeshNet(settings)
    optimizer = torch.optim.SGD(model.parameters(), lr=settings.lr, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.epochs)
    for epoch in range(settings.epochs):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(probes)).split(8):
            logits = model(hears[rows], probes[rows])
            loss = F.cross_entropy(logits.flatten(0, 1), classes[rows].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        schedule.step()
        print(f"epoch {epoch + 1:2d}: loss {total / len(probes):.4f}, test accuracy {accuracy(model, *test):.4f}")
    print(f"score: {accuracy(model, *test):.4f}")


if __name__ == "__main__":
    main(Settings(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0))
