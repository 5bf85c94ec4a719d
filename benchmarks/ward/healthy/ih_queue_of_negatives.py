"""Representations of ultrasound traces without labels: momentum encoder, queue of negatives, then a linear probe.

The loss starts low while the queue is young and never nears zero: among 512 negatives some are always of the same kind.
The key encoder gets no gradients; it follows the query encoder slowly.
"""

import copy
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

KINDS, LENGTH = 6, 64


def traces(n, rng):
    kinds = rng.integers(0, KINDS, n)
    t = np.arange(LENGTH)
    x = np.empty((n, LENGTH))
    for i, kind in enumerate(kinds):
        gap, tone = (7, 11, 16)[kind % 3], (0.9, 1.7)[kind // 3]
        start = rng.uniform(6, 24)
        x[i] = 0.25 * rng.normal(size=LENGTH)
        for echo in range(3):
            x[i] += (
                0.75**echo * np.exp(-(((t - start - echo * gap) / 2.5) ** 2)) * np.cos(tone * (t - start - echo * gap))
            )
    return torch.tensor(x / 0.4, dtype=torch.float32).unsqueeze(1), torch.from_numpy(kinds)


def augment(x):
    shift = int(torch.randint(-5, 6, (1,)))
    x = torch.roll(x, shift, dims=2) * torch.empty(len(x), 1, 1).uniform_(0.7, 1.4)
    return x + 0.3 * torch.randn_like(x)


class Encoder(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 24, 7, padding=3),
            nn.BatchNorm1d(24),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(24, width, 9, padding=4),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 9, padding=4),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.AdaptiveMaxPool1d(1),
            nn.Flatten(),
        )
        self.project = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 24))

    def forward(self, x):
        return F.normalize(self.project(self.features(x)), dim=1)


class Queue:
    def __init__(self, size, width):
        self.keys = F.normalize(torch.randn(size, width), dim=1)
        self.at = 0

    def push(self, keys):
        self.keys[self.at : self.at + len(keys)] = keys
        self.at = (self.at + len(keys)) % len(self.keys)


def pretrain(x, epochs=20, batch=64, momentum=0.98, temperature=0.2):
    query = Encoder()
    key = copy.deepcopy(query).requires_grad_(False)
    queue = Queue(512, 24)
    optimizer = torch.optim.SGD(query.parameters(), lr=0.06, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        total, batches = 0.0, [b for b in torch.randperm(len(x)).split(batch) if len(b) == batch]
        for rows in batches:
            q = query(augment(x[rows]))
            with torch.no_grad():
                for slow, fast in zip(key.parameters(), query.parameters(), strict=True):
                    slow.lerp_(fast, 1 - momentum)
                k = key(augment(x[rows]))
            logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue.keys.clone().T], dim=1) / temperature
            loss = F.cross_entropy(logits, torch.zeros(len(rows), dtype=torch.long))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            queue.push(k)
            total += loss.item() / len(batches)
        scheduler.step()
        if epoch % 4 == 3:
            print(f"epoch {epoch + 1}: contrastive loss {total:.3f}")
    return query


def probe(encoder, x, kinds, x_test, kinds_test):
    encoder.eval()
    with torch.no_grad():
        z, z_test = encoder.features(x), encoder.features(x_test)
    z, z_test = (z - z.mean(0)) / (z.std(0) + 1e-3), (z_test - z.mean(0)) / (z.std(0) + 1e-3)
    linear = nn.Linear(z.shape[1], KINDS)
    optimizer = torch.optim.Adam(linear.parameters(), lr=2e-2)
    for _ in range(150):
        loss = F.cross_entropy(linear(z), kinds)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return (linear(z_test).argmax(1) == kinds_test).float().mean().item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, _ = traces(1600, rng)
    few, few_kinds = traces(300, rng)
    x_test, kinds_test = traces(500, rng)
    encoder = pretrain(x)
    print(f"score: {probe(encoder, few, few_kinds, x_test, kinds_test):.4f}")
