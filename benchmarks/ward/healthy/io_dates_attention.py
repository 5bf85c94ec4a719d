"""Seq2seq with additive attention and teacher forcing: written dates such as "7 march 1994" to 1994-03-07, characters
in, characters out, padded and ignored in the loss; GRUs, Adam. Score: share of test dates decoded fully right.
"""

import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader

torch.set_num_threads(1)
MONTHS = "january february march april may june july august september october november december".split()
CHARS = "abcdefghijklmnopqrstuvwxyz0123456789 ,/"
IN = {c: i + 1 for i, c in enumerate(CHARS)}
OUT = {c: i + 1 for i, c in enumerate("0123456789-")}
START = 12


def pair(rng):
    y, m, d = rng.randint(1980, 2029), rng.randint(1, 12), rng.randint(1, 28)
    name = MONTHS[m - 1]
    text = rng.choice([f"{d} {name} {y}", f"{name[:3]} {d}, {y}", f"{d}/{m}/{y}"])
    return [IN[c] for c in text], [OUT[c] for c in f"{y}-{m:02d}-{d:02d}"]


def collate(batch):
    sources = nn.utils.rnn.pad_sequence([torch.tensor(s) for s, _ in batch], batch_first=True)
    return sources, torch.tensor([t for _, t in batch])


class Seq2Seq(nn.Module):
    def __init__(self, h=64):
        super().__init__()
        self.embed_in, self.embed_out = nn.Embedding(len(CHARS) + 1, 24, padding_idx=0), nn.Embedding(13, 16)
        self.encoder = nn.GRU(24, h // 2, batch_first=True, bidirectional=True)
        self.cell = nn.GRUCell(16 + h, h)
        self.query, self.key, self.energy = nn.Linear(h, h), nn.Linear(h, h), nn.Linear(h, 1, bias=False)
        self.out = nn.Linear(2 * h, 12)

    def forward(self, src, tgt=None, steps=10):
        memory, last = self.encoder(self.embed_in(src))
        keys, mask = self.key(memory), src == 0
        state, token, outputs = torch.cat(list(last), 1), torch.full((len(src),), START), []
        for t in range(steps):
            score = self.energy(torch.tanh(keys + self.query(state)[:, None])).squeeze(2)
            attention = score.masked_fill(mask, float("-inf")).softmax(1)
            context = (attention[:, None] @ memory).squeeze(1)
            state = self.cell(torch.cat([self.embed_out(token), context], 1), state)
            outputs.append(self.out(torch.cat([state, context], 1)))
            token = outputs[-1].argmax(1) if tgt is None else tgt[:, t]
        return torch.stack(outputs, 1)


@torch.no_grad()
def exact(model, loader):
    model.eval()
    right = [(model(src).argmax(2) == tgt).all(1) for src, tgt in loader]
    return torch.cat(right).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = random.Random(seed)
    data = [pair(rng) for _ in range(4400)]
    train = DataLoader(data[:3600], batch_size=64, shuffle=True, collate_fn=collate)
    val = DataLoader(data[3600:3900], batch_size=300, collate_fn=collate)
    test = DataLoader(data[3900:], batch_size=500, collate_fn=collate)
    model = Seq2Seq()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 4)
    for epoch in range(1, 5):
        model.train()
        total = 0.0
        for src, tgt in train:
            logits = model(src, tgt)
            loss = F.cross_entropy(logits.flatten(0, 1), tgt.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        scheduler.step()
        print(f"epoch {epoch}: loss {total / len(train):.4f} val exact {exact(model, val):.4f}")
    print(f"score: {exact(model, test):.4f}")


if __name__ == "__main__":
    main()
