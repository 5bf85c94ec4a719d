"""Finds the most frequent note of a bar with a small post-norm transformer. The rate climbs from nothing over two
hundred steps and falls with the square root after."""

import sys

import torch
from torch import nn


def bars(n):
    notes = torch.randint(0, 8, (n, 12))
    favourite = torch.randint(0, 8, (n,))
    where = torch.rand(n, 12).argsort(1)[:, :5]
    notes.scatter_(1, where, favourite.unsqueeze(1).expand(n, 5))
    counts = nn.functional.one_hot(notes, 8).sum(1)
    return notes, counts.argmax(1)


class BarReader(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Embedding(8, dim)
        layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.out = nn.Linear(dim, 8)

    def forward(self, notes):
        return self.out(self.encoder(self.embed(notes)).mean(1))


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    notes, target = bars(2000)
    notes_val, target_val = bars(500)
    model = BarReader()
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
    warm = 120
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(s / warm, (warm / max(s, 1)) ** 0.5))
    for epoch in range(10):
        model.train()
        for idx in torch.randperm(len(notes)).split(50):
            loss = nn.functional.cross_entropy(model(notes[idx]), target[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(notes_val).argmax(1) == target_val).float().mean().item()
        print(f"epoch {epoch} lr {scheduler.get_last_lr()[0]:.5f} loss {loss.item():.4f} val {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
