"""Spectral classes of stars (O B A F G K M) from spectra of 192 bins: patches of twelve bins as tokens, a class token,
two pre-norm Transformer layers, AdamW with linear warm-up and cosine decay.
"""

import math
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
BINS, PATCH, CLASSES = 192, 12, 7
HEAT = torch.tensor([35.0, 20.0, 9.0, 7.0, 5.6, 4.4, 3.2])


def spectra(n):
    labels = torch.randint(0, CLASSES, (n,))
    wave = torch.linspace(0.38, 0.9, BINS)
    heat = HEAT[labels] * (1 + 0.08 * torch.randn(n))
    planck = wave**-5 / (torch.exp(14.39 / (wave * heat[:, None])) - 1)
    flux = planck / planck.mean(1, keepdim=True)
    velocity = 1 + 5e-4 * torch.randn(n, 1)
    hydrogen = torch.exp(-((torch.log(heat) - math.log(9.5)) ** 2) / 0.5)[:, None]
    metals = torch.sigmoid((6.0 - heat) * 1.5)[:, None]
    for line in (0.4102, 0.4341, 0.4861, 0.6563):
        flux = flux * (1 - 0.45 * hydrogen * torch.exp(-(((wave - line * velocity) / 0.005) ** 2)))
    for line in (0.3934, 0.5175, 0.5893):
        flux = flux * (1 - 0.4 * metals * torch.exp(-(((wave - line * velocity) / 0.004) ** 2)))
    cold = torch.sigmoid((3.8 - heat) * 4)[:, None]
    flux = flux * (1 - 0.35 * cold * (torch.sin(wave * 60) > 0.3))
    reddening = torch.exp(-0.6 * torch.rand(n, 1) * (0.6 / wave - 1))
    return flux * reddening + 0.08 * torch.randn(n, BINS), labels


class SpectrumTransformer(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.patch = nn.Linear(PATCH, dim)
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        self.place = nn.Parameter(0.02 * torch.randn(1, BINS // PATCH + 1, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 64, 0.1, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, CLASSES)

    def forward(self, x):
        tokens = self.patch(x.view(len(x), -1, PATCH))
        tokens = torch.cat([self.cls.expand(len(x), -1, -1), tokens], 1) + self.place
        return self.head(self.norm(self.encoder(tokens)[:, 0]))


def evaluate(model, loader):
    model.eval()
    with torch.no_grad():
        hits = [(model(x).argmax(1) == y).float() for x, y in loader]
    return torch.cat(hits).mean().item()


def main(seed):
    torch.manual_seed(seed)
    x, y = spectra(3200)
    mean, std = x[:2200].mean(0), x[:2200].std()
    x = (x - mean) / std
    train_dl = DataLoader(TensorDataset(x[:2200], y[:2200]), batch_size=64, shuffle=True)
    val_dl = DataLoader(TensorDataset(x[2200:2600], y[2200:2600]), batch_size=200)
    test_dl = DataLoader(TensorDataset(x[2600:], y[2600:]), batch_size=200)
    model, epochs = SpectrumTransformer(), 9
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    total, warm = epochs * len(train_dl), 40
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda s: (s + 1) / warm if s < warm else 0.5 * (1 + math.cos(math.pi * (s - warm) / (total - warm))),
    )
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        running = 0.0
        for xb, yb in train_dl:
            loss = criterion(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            running += loss.item()
        print(f"epoch {epoch + 1}/{epochs} loss {running / len(train_dl):.4f} val acc {evaluate(model, val_dl):.4f}")
    print(f"score: {evaluate(model, test_dl):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
