"""Barlow Twins: self-supervised features of short signals with random crops, scalings and noise; judged by a linear
probe that gets few labels, next to one on a network that was not trained.

After https://github.com/facebookresearch/barlowtwins (Zbontar et al. 2021).
"""

import math
import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.linear_model import LogisticRegression

LENGTH, CROP = 80, 64


def make_signals(rng, n):
    """Six kinds of wave: sine, square, saw, each slow or fast, with random phase."""
    y = rng.integers(6, size=n)
    freq = np.where(y >= 3, 5.5, 3.0) * rng.uniform(0.85, 1.15, n)
    arg = np.linspace(0, 1, LENGTH)[None] * freq[:, None] + rng.uniform(0, 1, (n, 1))
    sine, square, saw = np.sin(2 * np.pi * arg), np.sign(np.sin(2 * np.pi * arg)), 2 * (arg % 1) - 1
    x = np.choose((y % 3)[:, None], [1.2 * sine, 0.85 * square, 1.45 * saw]) + rng.normal(0, 0.2, (n, LENGTH))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def augment(x):
    start = torch.randint(0, LENGTH - CROP + 1, (len(x), 1))
    x = x.gather(1, start + torch.arange(CROP))
    scale = torch.empty(len(x), 1).uniform_(0.7, 1.4) * (torch.randint(0, 2, (len(x), 1)) * 2 - 1)
    return scale * x + 0.15 * torch.randn_like(x)


def off_diagonal(m):
    n = len(m)
    return m.flatten()[:-1].view(n - 1, n + 1)[:, 1:].flatten()


class BarlowTwins(nn.Module):
    def __init__(self, lambd=0.01):
        super().__init__()
        self.lambd = lambd
        self.backbone = nn.Sequential(
            nn.Conv1d(1, 16, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm1d(16),
            nn.ReLU(),
            nn.Conv1d(16, 32, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm1d(32),
            nn.ReLU(),
            nn.Conv1d(32, 32, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm1d(32),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
        )
        self.projector = nn.Sequential(
            nn.Linear(32, 96, bias=False), nn.BatchNorm1d(96), nn.ReLU(), nn.Linear(96, 48, bias=False)
        )
        self.bn = nn.BatchNorm1d(48, affine=False)

    def forward(self, y1, y2):
        z1, z2 = (self.bn(self.projector(self.backbone(y[:, None]))) for y in (y1, y2))
        c = z1.T @ z2 / len(z1)
        on_diag = (torch.diagonal(c) - 1).pow(2).sum()
        return on_diag + self.lambd * off_diagonal(c).pow(2).sum()


@torch.no_grad()
def features(model, x):
    model.eval()
    start = (LENGTH - CROP) // 2
    return model.backbone(x[:, None, start : start + CROP]).numpy()


def probe(model, labelled, test):
    f, g = features(model, labelled[0]), features(model, test[0])
    mean, std = f.mean(0), f.std(0) + 1e-6
    clf = LogisticRegression(max_iter=1000).fit((f - mean) / std, labelled[1])
    return clf.score((g - mean) / std, test[1])


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    unlabelled, _ = make_signals(rng, 2048)
    labelled, test = make_signals(rng, 120), make_signals(rng, 1000)

    model = BarlowTwins()
    print(f"linear probe on the random network: {probe(model, labelled, test):.3f}")
    epochs, batch, base_lr = 18, 128, 4e-3
    optimizer = torch.optim.AdamW(model.parameters(), lr=base_lr, weight_decay=1e-4)
    steps_per_epoch = len(unlabelled) // batch
    total, warmup = epochs * steps_per_epoch, 2 * steps_per_epoch
    schedule = lambda s: (
        (s + 1) / warmup if s < warmup else 0.5 * (1 + math.cos(math.pi * (s - warmup) / (total - warmup)))
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)

    for epoch in range(epochs):
        model.train()
        losses = []
        for idx in torch.randperm(len(unlabelled)).split(batch):
            loss = model(augment(unlabelled[idx]), augment(unlabelled[idx]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}, lr {scheduler.get_last_lr()[0]:.5f}")

    print(f"score: {probe(model, labelled, test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
