"""Self-supervised vibration embeddings: two cuts of a record are to find each other among the batch. The embedding is
judged by the nearest neighbours' machine; labels play no part in training."""

import sys

import torch
import torch.nn.functional as F
from torch import nn


def records(n, pitches):
    machine = torch.randint(0, len(pitches), (n,))
    t = torch.arange(96) / 96
    speed = 1 + 0.03 * torch.randn(n, 1)
    wave = torch.sin(6.283 * pitches[machine, :1] * speed * t) + 0.7 * torch.sin(
        6.283 * pitches[machine, 1:] * speed * t
    )
    return wave + 0.2 * torch.randn(n, 96), machine


def view(x):
    start = int(torch.randint(0, 33, ()))
    gain = 0.7 + 0.6 * torch.rand(len(x), 1)
    return (gain * x[:, start : start + 64] + 0.2 * torch.randn(len(x), 64)).unsqueeze(1)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(1, 16, 11, stride=2, padding=5), nn.ReLU(), nn.Conv1d(16, 32, 7, stride=2, padding=3), nn.ReLU()
        )
        self.project = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 16))

    def embed(self, x):
        return self.conv(x).mean(2)

    def forward(self, x):
        return F.normalize(self.project(self.embed(x)), dim=1)


def neighbours(model, bank, bank_machine, x, machine):
    with torch.no_grad():
        a, b = model.embed(bank[:, None, 16:80]), model.embed(x[:, None, 16:80])
    a, b = F.normalize(a - a.mean(0), dim=1), F.normalize(b - a.mean(0), dim=1)
    return (bank_machine[(b @ a.T).argmax(1)] == machine).float().mean().item()


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pitches = torch.stack([torch.linspace(4, 12, 8), torch.linspace(14, 22, 8)[torch.randperm(8)]], dim=1)
x, machine = records(1500, pitches)
x_test, machine_test = records(400, pitches)
model = Encoder()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for idx in torch.randperm(len(x)).split(100):
        a, b = model(view(x[idx])), model(view(x[idx]))
        logits = a @ b.T / 0.2
        target = torch.arange(len(idx))
        loss = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 2 == 1:
        print(
            f"epoch {epoch} loss {loss.item():.4f} neighbours {neighbours(model, x, machine, x_test, machine_test):.4f}"
        )
print(f"score: {neighbours(model, x, machine, x_test, machine_test):.4f}")
