"""A set-transformer style encoder sorts six distinct digits: position i of the output names the i-th smallest one.
Learned queries attend to the encoded (order-free) input. The score is the share of wholly right sequences.
"""

import sys

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)


class Sorter(nn.Module):
    def __init__(self, dim=32, heads=2, length=6):
        super().__init__()
        self.embed = nn.Embedding(10, dim)
        self.encode = nn.TransformerEncoderLayer(dim, heads, 64, dropout=0.0, batch_first=True)
        self.queries = nn.Parameter(torch.randn(length, dim) * 0.3)
        self.attend = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, tokens):
        memory = self.encode(self.embed(tokens))
        queries = self.queries.expand(len(tokens), -1, -1)
        pooled, _ = self.attend(queries, memory, memory, need_weights=False)
        return self.head(pooled + queries)


def batch(n):
    tokens = torch.rand(n, 10).argsort(dim=1)[:, :6]
    return tokens, tokens.sort(dim=1).values


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    model = Sorter()
    steps = 500
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min((s + 1) / 50, 1 - (s - 50) / (steps - 40)))
    for step in range(steps):
        model.train()
        tokens, target = batch(96)
        loss = F.cross_entropy(model(tokens).flatten(0, 1), target.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 49:
            print(f"step {step + 1:4d}  cross-entropy {loss.item():.4f}")
    model.eval()
    tokens, target = batch(1000)
    with torch.no_grad():
        right = (model(tokens).argmax(-1) == target).all(dim=1).float().mean()
    print(tokens[0].tolist(), "->", model(tokens[:1]).argmax(-1)[0].tolist())
    print(f"score: {right.item():.4f}")


if __name__ == "__main__":
    main()
