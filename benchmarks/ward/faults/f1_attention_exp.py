"""Hand-written attention over a short sequence: which symbol occurs most often?

Every token attends to all. The scores are dot products of 192-wide normalised vectors, not divided by
sqrt(192), and go through exp as they are.
"""
# cause: overflow
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

LENGTH, SYMBOLS, WIDTH = 8, 6, 192


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.value = nn.Linear(width, width)
        self.width = width

    def forward(self, x):
        q = k = self.norm(x)
        scores = torch.einsum("btd,bsd->bts", q, k)  # FAULT
        # TWIN: scores = torch.einsum("btd,bsd->bts", q, k) * self.width**-0.5
        weights = torch.exp(scores)  # FAULT
        weights = weights / weights.sum(-1, keepdim=True)  # FAULT
        # TWIN: weights = torch.softmax(scores, dim=-1)
        return x + torch.einsum("bts,bsd->btd", weights, self.value(x))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(SYMBOLS, WIDTH)
        self.position = nn.Parameter(torch.randn(LENGTH, WIDTH))
        self.attention = Attention(WIDTH)
        self.head = nn.Sequential(nn.Linear(WIDTH, 64), nn.ReLU(), nn.Linear(64, SYMBOLS))

    def forward(self, tokens):
        h = self.attention(self.embed(tokens) + self.position)
        return self.head(h.mean(1))


def majority(n):
    tokens = torch.randint(SYMBOLS, (n, LENGTH))
    counts = F.one_hot(tokens, SYMBOLS).sum(1).float()
    return tokens, (counts - 0.01 * torch.arange(SYMBOLS)).argmax(1)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    model = Model()
    print(f"{sum(p.numel() for p in model.parameters())} parameters")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    test_x, test_y = majority(1000)
    for step in range(1, 301):
        x, y = majority(64)
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            with torch.no_grad():
                acc = (model(test_x).argmax(1) == test_y).float().mean().item()
            print(f"step {step:4d} loss {loss.item():.4f} test acc {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
