"""Tells quarry blasts from earthquakes with few labelled records: a network is first trained to tell from which of ten
stations plentiful unlabelled noise comes; its convolutions are then frozen and only a new head is fitted."""

import sys

import torch
import torch.nn.functional as F
from torch import nn


def records(n, kinds, decay_of, pitch_of):
    kind = torch.randint(0, kinds, (n,))
    t = torch.arange(64) / 64
    pitch, decay = pitch_of[kind].unsqueeze(1), decay_of[kind].unsqueeze(1)
    wave = torch.sin(6.283 * (pitch * t + torch.rand(n, 1))) * torch.exp(-decay * t)
    return (wave + 0.3 * torch.randn(n, 64)).unsqueeze(1), kind


def trunk():
    return nn.Sequential(
        nn.Conv1d(1, 16, 9, stride=2, padding=4), nn.ReLU(), nn.Conv1d(16, 24, 7, stride=2, padding=3), nn.ReLU()
    )


class Seismograph(nn.Module):
    def __init__(self, body, classes):
        super().__init__()
        self.body = body
        self.head = nn.Linear(24 * 4, classes)

    def forward(self, x):
        return self.head(F.adaptive_avg_pool1d(self.body(x), 4).flatten(1))


def fit(model, parameters, x, y, epochs, lr):
    optimizer = torch.optim.Adam(parameters, lr=lr)
    for epoch in range(epochs):
        total = 0.0
        for idx in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        print(f"epoch {epoch} loss {total / len(x):.4f}")


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
stations = records(1500, 10, torch.linspace(0.5, 5, 10)[torch.randperm(10)], torch.linspace(3, 14, 10))
model = Seismograph(trunk(), 10)
fit(model, model.parameters(), *stations, epochs=6, lr=2e-3)

events = torch.tensor([1.0, 4.0]), torch.tensor([5.5, 8.5])
x, y = records(200, 2, *events)
x_test, y_test = records(500, 2, *events)
detector = Seismograph(model.body.requires_grad_(False), 2)
fit(detector, detector.head.parameters(), x, y, epochs=25, lr=3e-3)
with torch.no_grad():
    accuracy = (detector(x_test).argmax(1) == y_test).float().mean().item()
print(f"score: {accuracy:.4f}")
