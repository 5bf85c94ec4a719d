"""Sorting a hand of playing cards by suit and rank with a pointer network: transformer encoder, pointing decoder, cards
taken before are masked with -inf. Score: share of hands wholly in order.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
HAND = 6


def deal(n):
    cards = torch.rand(n, 52).argsort(1)[:, :HAND]
    return cards, cards.argsort(1)


class Sorter(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.suit, self.rank = nn.Embedding(4, dim), nn.Embedding(13, dim)
        layer = nn.TransformerEncoderLayer(dim, 4, 96, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.cell = nn.GRUCell(dim, dim)
        self.key, self.query = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.start = nn.Parameter(torch.zeros(dim))

    def forward(self, cards, order=None):
        h = self.encoder(self.suit(cards // 13) + self.rank(cards % 13))
        keys, state = self.key(h), h.mean(1)
        last = self.start.expand(len(cards), -1)
        taken = torch.zeros(cards.shape, dtype=torch.bool)
        logits = []
        for t in range(HAND):
            state = self.cell(last, state)
            score = (keys @ self.query(state)[:, :, None]).squeeze(2) / keys.shape[2] ** 0.5
            score = score.masked_fill(taken, float("-inf"))
            pick = score.argmax(1) if order is None else order[:, t]
            taken = taken.scatter(1, pick[:, None], True)
            last = h[torch.arange(len(h)), pick]
            logits.append(score)
        return torch.stack(logits, 1)


def main(seed):
    torch.manual_seed(seed)
    net = Sorter()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
    warm = torch.optim.lr_scheduler.LinearLR(opt, 0.05, 1.0, 50)
    cool = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.02, 250)
    sched = torch.optim.lr_scheduler.SequentialLR(opt, [warm, cool], [50])
    held, order = deal(400)
    for step in range(1, 301):
        net.train()
        cards, target = deal(64)
        logits = net(cards, target)
        loss = F.cross_entropy(logits.flatten(0, 1), target.flatten())
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        sched.step()
        if step % 25 == 0:
            net.eval()
            with torch.no_grad():
                right = (net(held).argmax(2) == order).all(1).float().mean().item()
            print(f"step {step}: loss {loss.item():.4f} hands in order {right:.4f}")
    print(f"score: {right:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
