"""Mixup on the digits: convex mixtures of pictures and of one-hot labels, so the training loss stays above zero."""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.distributions import Beta

torch.set_num_threads(1)


def mixup(x, y, alpha):
    lam = Beta(alpha, alpha).sample((len(x), 1))
    other = torch.randperm(len(x))
    return lam * x + (1 - lam) * x[other], lam * y + (1 - lam) * y[other]


def main(seed, epochs, alpha):
    torch.manual_seed(seed)
    data = load_digits()
    perm = torch.randperm(len(data.target))
    x = torch.tensor(data.data, dtype=torch.float32)[perm] / 8 - 1
    y = torch.tensor(data.target)[perm]
    onehot = F.one_hot(y, 10).float()

    model = nn.Sequential(nn.Linear(64, 96), nn.GELU(), nn.Linear(96, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    for epoch in range(epochs):
        model.train()
        running = 0.0
        for idx in torch.randperm(1400).split(50):
            xm, ym = mixup(x[idx], onehot[idx], alpha)
            loss = F.cross_entropy(model(xm), ym)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item() * len(idx) / 1400
        model.eval()
        with torch.no_grad():
            out = model(x[1400:])
            acc = out.argmax(1).eq(y[1400:]).float().mean().item()
            val = F.cross_entropy(out, y[1400:]).item()
        print(f"epoch {epoch + 1}: mixed loss {running:.4f} val loss {val:.4f} val acc {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--alpha", type=float, default=0.4)
    a = parser.parse_args()
    main(a.seed, a.epochs, a.alpha)
