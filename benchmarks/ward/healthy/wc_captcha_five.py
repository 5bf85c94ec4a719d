"""Captchas of five digits: one convolutional network, five heads, the sum of their cross-entropies. Score: share of
held-out captchas that are right throughout.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)


def captchas(images, labels, n):
    idx = torch.randint(len(images), (n, 5))
    x = torch.cat([images[idx[:, k]] for k in range(5)], 2)
    return x[:, None] + 0.1 * torch.randn(n, 1, 8, 40), labels[idx]


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(16 * 2 * 10, 128), nn.ReLU(),
        )  # fmt: skip
        self.heads = nn.ModuleList(nn.Linear(128, 10) for _ in range(5))

    def forward(self, x):
        h = self.body(x)
        return [head(h) for head in self.heads]


def main(seed):
    torch.manual_seed(seed)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32) / 8 - 1
    labels = torch.tensor(digits.target)
    perm = torch.randperm(len(images))
    x, y = captchas(images[perm[:1400]], labels[perm[:1400]], 4000)
    xt, yt = captchas(images[perm[1400:]], labels[perm[1400:]], 500)
    net = Reader()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(1, 8):
        net.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(64):
            outputs = net(x[idx])
            loss = sum(F.cross_entropy(out, y[idx, k]) for k, out in enumerate(outputs))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        net.eval()
        with torch.no_grad():
            right = torch.stack([out.argmax(1) for out in net(xt)], 1) == yt
        whole = right.all(1).float().mean().item()
        print(f"epoch {epoch}: loss {total / len(x):.4f} digits {right.float().mean().item():.4f} captchas {whole:.4f}")
    print(f"score: {whole:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
