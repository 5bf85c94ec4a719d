"""Learns digits without labels by a contrastive loss between two shifted views, then trains a linear probe on frozen
features with few labels. The loss of the first part ends far from zero, as it should."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


def view(x):
    dy, dx = torch.randint(-1, 2, (2,)).tolist()
    return torch.roll(x, (dy, dx), dims=(2, 3)) * (0.8 + 0.4 * torch.rand(len(x), 1, 1, 1)) + 0.1 * torch.randn_like(x)


def info_nce(a, b, temperature=0.2):
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    logits = a @ b.T / temperature
    target = torch.arange(len(a))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    digits = load_digits()
    x = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    y = torch.tensor(digits.target)
    order = torch.randperm(len(y))
    labelled, test = order[:400], order[1300:]
    encoder = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
    )
    projector = nn.Sequential(nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 32))
    optimizer = torch.optim.Adam([*encoder.parameters(), *projector.parameters()], lr=2e-3)
    for epoch in range(5):
        for idx in order[:1300][torch.randperm(1300)].split(100):
            loss = info_nce(projector(encoder(view(x[idx]))), projector(encoder(view(x[idx]))))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"contrastive epoch {epoch + 1} loss {loss.item():.4f}")

    with torch.no_grad():
        features = encoder(x)
        features = (features - features.mean(0)) / (features.std(0) + 1e-2)
    probe = nn.Linear(512, 10)
    optimizer = torch.optim.AdamW(probe.parameters(), lr=2e-3, weight_decay=0.1)
    for epoch in range(20):
        for idx in labelled[torch.randperm(len(labelled))].split(40):
            loss = F.cross_entropy(probe(features[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        accuracy = (probe(features[test]).argmax(1) == y[test]).float().mean().item()
    print(f"probe loss {loss.item():.4f}")
    print(f"score: {accuracy:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
