"""Mood of a shop slogan (three kinds) with one transformer layer over its words; short slogans are padded."""

import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass
class Config:
    vocabulary: int = 80
    length: int = 10
    dim: int = 32
    heads: int = 4
    epochs: int = 5
    batch: int = 64
    lr: float = 2e-3


def slogans(n, rng, config):
    """Plain, warm or sharp; every third word or so tells, and now and then one tells the contrary."""
    tokens = np.zeros((n, config.length), dtype=np.int64)
    labels = rng.integers(3, size=n)
    for i, label in enumerate(labels):
        size = rng.integers(5, config.length + 1)
        kind = np.where(rng.random(size) < 0.15, rng.integers(3, size=size), label)
        telling = 2 + 12 * kind + rng.integers(12, size=size)
        words = np.where(rng.random(size) < 0.35, telling, rng.integers(38, config.vocabulary, size=size))
        tokens[i, :size] = words
    return torch.from_numpy(tokens), torch.from_numpy(labels)


class SloganTransformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.words = nn.Embedding(config.vocabulary, config.dim, padding_idx=0)
        self.places = nn.Embedding(config.length, config.dim)
        layer = nn.TransformerEncoderLayer(
            config.dim, config.heads, dim_feedforward=64, dropout=0.1, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, num_layers=1, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(config.dim)
        self.out = nn.Linear(config.dim, 3)

    def forward(self, tokens):
        padding = tokens == 0
        x = self.words(tokens) + self.places(torch.arange(tokens.shape[1]))
        x = self.norm(self.encoder(x, src_key_padding_mask=padding))
        mean = x.masked_fill(padding[..., None], 0).sum(1) / (~padding).sum(1, keepdim=True)
        return self.out(mean)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    config = Config()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = slogans(3000, rng, config)
    x_test, y_test = slogans(800, rng, config)
    model = SloganTransformer(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs)
    for epoch in range(config.epochs):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(x)).split(config.batch):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(rows) / len(x)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch + 1:2d} loss {total:.4f} test accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
