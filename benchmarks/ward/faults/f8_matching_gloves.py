"""Is there a pair among six gloves? Attention over the gloves of a drawer, then a small head. Each drawer is a set of
vectors; a pair is two gloves of nearly the same pattern."""
# cause: batch-mixing
# accept: softmax-wrong-axis
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

GLOVES, DIM = 6, 12


def drawers(n):
    x = torch.randn(n, GLOVES, DIM)
    pair = torch.rand(n) < 0.5
    places = torch.rand(n, GLOVES).argsort(1)[:, :2]
    rows = torch.arange(n)[pair]
    left, right = places[pair].T
    x[rows, right] = x[rows, left] + 0.1 * torch.randn(len(rows), DIM)
    return x, pair.float()


class Attention(nn.Module):
    """Each glove looks at the others."""

    def __init__(self, dim, heads=4):
        super().__init__()
        self.heads = heads
        self.qk = nn.Linear(dim, 2 * dim)
        self.mask = ~torch.eye(GLOVES, dtype=torch.bool)

    def forward(self, x):
        batch, gloves, dim = x.shape
        q, k = self.qk(x).view(batch, gloves, 2, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2)
        weights = scores.masked_fill(~self.mask, -1e9).softmax(dim=0)  # FAULT
        # TWIN: weights = scores.masked_fill(~self.mask, -1e9).softmax(dim=-1)
        others = torch.einsum("bhij,bjd->bhid", weights, x)
        return others


class PairFinder(nn.Module):
    def __init__(self, width=48, heads=4):
        super().__init__()
        self.attention = Attention(48, heads)
        self.embed = nn.Linear(DIM, width)
        self.compare = nn.Sequential(nn.Linear(width, 48), nn.ReLU(), nn.Linear(48, 24))
        self.head = nn.Linear(24, 1)

    def forward(self, x):
        x = self.embed(x)
        gap = (self.attention(x) - x.unsqueeze(1)).abs()
        return self.head(F.relu(self.compare(gap)).amax(dim=(1, 2))).squeeze(1)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    x, y = drawers(4000)
    x_test, y_test = drawers(500)
    model = PairFinder()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(10):
        model.train()
        for rows in torch.randperm(len(x)).split(50):
            loss = F.binary_cross_entropy_with_logits(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            out = torch.cat([model(part) for part in x_test.split(50)])
        accuracy = ((out > 0) == (y_test > 0.5)).float().mean().item()
        val = F.binary_cross_entropy_with_logits(out, y_test).item()
        print(f"epoch {epoch} loss {loss.item():.4f} val {val:.4f} accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


main()
