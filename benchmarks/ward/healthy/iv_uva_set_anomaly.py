"""Find the odd one out in a set: a Transformer encoder without positions compares digit images, one of another class.

After Tutorial 6 (Transformers and Multi-Head Attention) of the UvA deep learning notebooks, part "Set Anomaly Detection",
https://uvadlc-notebooks.readthedocs.io/en/latest/tutorial_notebooks/tutorial6/Transformers_and_MHAttention.html
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset


class SetAnomalyDataset(Dataset):
    """Training sets are drawn anew each time; test sets are fixed. Both come from separate images."""

    def __init__(self, images, labels, size, set_size=6, seed=0, fixed=False):
        self.images, self.labels, self.size, self.set_size = images, labels, size, set_size
        self.by_class = [np.flatnonzero(labels == c) for c in range(10)]
        self.rng = np.random.default_rng(seed)
        self.sets = [self.sample() for _ in range(size)] if fixed else None

    def sample(self):
        normal, odd = self.rng.choice(10, 2, replace=False)
        idx = np.append(
            self.rng.choice(self.by_class[normal], self.set_size - 1, replace=False),
            self.rng.choice(self.by_class[odd]),
        )
        perm = self.rng.permutation(self.set_size)
        return idx[perm], int(np.flatnonzero(perm == self.set_size - 1)[0])

    def __len__(self):
        return self.size

    def __getitem__(self, i):
        idx, label = self.sets[i] if self.sets is not None else self.sample()
        return self.images[idx], label


class EncoderBlock(nn.Module):
    def __init__(self, dim, heads, hidden, dropout):
        super().__init__()
        self.attn = nn.MultiheadAttention(dim, heads, dropout=dropout, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.Dropout(dropout), nn.ReLU(), nn.Linear(hidden, dim))
        self.norm1, self.norm2, self.dropout = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.Dropout(dropout)

    def forward(self, x):
        x = self.norm1(x + self.dropout(self.attn(x, x, x, need_weights=False)[0]))
        return self.norm2(x + self.dropout(self.mlp(x)))


class AnomalyPredictor(nn.Module):
    def __init__(self, input_dim=64, dim=64, heads=4, layers=2, dropout=0.1):
        super().__init__()
        self.input_net = nn.Sequential(nn.Dropout(dropout), nn.Linear(input_dim, dim))
        self.blocks = nn.Sequential(*[EncoderBlock(dim, heads, 2 * dim, dropout) for _ in range(layers)])
        self.output_net = nn.Sequential(nn.Linear(dim, dim), nn.LayerNorm(dim), nn.ReLU(), nn.Linear(dim, 1))

    def forward(self, x):
        return self.output_net(self.blocks(self.input_net(x))).squeeze(-1)  # one score for each element


class CosineWarmup(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self, optimizer, warmup, max_iters):
        self.warmup, self.max_iters = warmup, max_iters
        super().__init__(optimizer)

    def get_lr(self):
        factor = 0.5 * (1 + np.cos(np.pi * min(self.last_epoch, self.max_iters) / self.max_iters))
        if self.last_epoch < self.warmup:
            factor *= (self.last_epoch + 1) / self.warmup
        return [base * factor for base in self.base_lrs]


def test(model, loader):
    model.eval()
    hits = total = 0
    with torch.no_grad():
        for x, y in loader:
            hits += (model(x).argmax(-1) == y).sum().item()
            total += len(y)
    return hits / total


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    X, y = load_digits(return_X_y=True)
    Xtr, Xte, ytr, yte = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    mean, std = Xtr.mean(), Xtr.std()
    Xtr, Xte = (torch.tensor((a - mean) / std, dtype=torch.float32) for a in (Xtr, Xte))
    train_loader = DataLoader(SetAnomalyDataset(Xtr, ytr, 2048, seed=seed), batch_size=64, shuffle=True, drop_last=True)
    test_loader = DataLoader(SetAnomalyDataset(Xte, yte, 1000, seed=seed + 1, fixed=True), batch_size=250)

    model = AnomalyPredictor()
    epochs = 6
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = CosineWarmup(optimizer, warmup=20, max_iters=epochs * len(train_loader))
    for epoch in range(epochs):
        model.train()
        losses = []
        for x, labels in train_loader:
            loss = F.cross_entropy(model(x), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: train loss {np.mean(losses):.4f}, test acc {test(model, test_loader):.4f}")
    print(f"score: {test(model, test_loader):.4f}")  # chance is 1/6


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
