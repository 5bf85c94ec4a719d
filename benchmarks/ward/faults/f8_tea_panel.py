"""How a panel of tasters spreads its votes over six notes of a tea, from sixteen chemical readings. The votes are a
distribution, so the loss is the Kullback-Leibler divergence."""
# cause: missing-log
# accept: loss-output-mismatch
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

READINGS, NOTES = 16, 6


def teas(n, weights, gen):
    x = torch.randn(n, READINGS, generator=gen)
    score = torch.tanh(x @ weights[0]) @ weights[1] + 0.15 * torch.randn(n, NOTES, generator=gen)
    return x, F.softmax(score, dim=1)


class Panel(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(READINGS, 64)
        self.norm = nn.LayerNorm(64)
        self.out = nn.Linear(64, NOTES)

    def forward(self, x):
        x = F.gelu(self.norm(self.hidden(x)))
        return F.softmax(self.out(x), dim=-1)  # FAULT
        # TWIN: return F.log_softmax(self.out(x), dim=-1)


def divergence(votes, probs):
    return (votes * (votes.clamp_min(1e-9).log() - probs.clamp_min(1e-9).log())).sum(1).mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    weights = torch.randn(READINGS, 12, generator=gen) / 3, torch.randn(12, NOTES, generator=gen) * 0.7
    train = DataLoader(TensorDataset(*teas(2000, weights, gen)), batch_size=50, shuffle=True)
    x_test, votes_test = teas(500, weights, gen)
    model = Panel()
    criterion = nn.KLDivLoss(reduction="batchmean")
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(12):
        total = 0.0
        for x, votes in train:
            loss = criterion(model(x), votes)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        with torch.no_grad():
            held_out = criterion(model(x_test), votes_test).item()
        print(f"epoch {epoch:2d} loss {total / len(train):.4f} held out {held_out:.4f}")
    with torch.no_grad():
        probs = model(x_test)
        # TWIN: probs = probs.exp()
    print(f"score: {-divergence(votes_test, probs):.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
