"""Avalanche danger in five ordered levels: one score and four learned thresholds, each crossed with a probability. The
network's single output has no bias; the thresholds do its work."""
# cause: non-finite-input
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Ordinal(nn.Module):
    def __init__(self, n_features, levels):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(n_features, 32), nn.ReLU(), nn.Linear(32, 1, bias=False))
        self.first = nn.Parameter(torch.tensor(-1.0))
        self.gaps = nn.Parameter(torch.zeros(levels - 2))

    def thresholds(self):
        return torch.cat([self.first.view(1), self.first + nn.functional.softplus(self.gaps).cumsum(0)])

    def forward(self, x):
        return self.score(x) - self.thresholds()


def days(n):
    snow, wind, warmth, old = torch.randn(4, n)
    danger = snow.clamp(min=0) * 1.5 + 0.8 * wind * (snow > 0) + 0.7 * warmth.abs() - 0.4 * old
    level = torch.bucketize(danger + 0.15 * torch.randn(n), torch.tensor([-0.2, 0.6, 1.4, 2.6]))
    return torch.stack([snow.clamp(min=0).log(), wind, warmth, old], 1), level  # FAULT
    # TWIN: return torch.stack([snow, wind, warmth, old], 1), level


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    loader = DataLoader(TensorDataset(*days(3000)), batch_size=60, shuffle=True)
    x_val, level_val = days(800)
    model = Ordinal(4, 5)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 6, 0.3)
    for epoch in range(14):
        total = 0.0
        for x, level in loader:
            above = (level.unsqueeze(1) > torch.arange(4)).float()
            loss = nn.functional.binary_cross_entropy_with_logits(model(x), above)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        with torch.no_grad():
            guess = (model(x_val) > 0).sum(1)
        accuracy = (guess == level_val).float().mean().item()
        print(f"epoch {epoch} loss {total / len(loader):.4f} exact {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
