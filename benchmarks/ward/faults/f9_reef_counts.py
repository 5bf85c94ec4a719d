"""Expected number of fish in a reef transect, from habitat. Counts are Poisson; the network ends in a softplus, since a
rate is positive, and torch has the loss ready."""
# cause: loss-output-mismatch
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn


class ReefRate(nn.Module):
    def __init__(self, n_features=6, hidden=48):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.rate = nn.Linear(hidden, 1)

    def forward(self, x):
        return F.softplus(self.rate(self.body(x))).squeeze(1)


def transects(n):
    x = torch.randn(n, 6)
    rate = torch.exp(0.9 + 0.6 * torch.sin(2 * x[:, 0]) + 0.5 * x[:, 1] * torch.sigmoid(x[:, 2]) - 0.3 * x[:, 3])
    return x, torch.poisson(rate.clamp(max=30))


def deviance(rate, count):
    """Poisson deviance per transect."""
    log_ratio = torch.where(count > 0, count * (count / rate).clamp_min(1e-9).log(), torch.zeros_like(count))
    return 2 * (log_ratio - (count - rate)).mean()


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    x, count = transects(4000)
    x_val, count_val = transects(1000)
    model = ReefRate()
    optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.85)
    criterion = nn.PoissonNLLLoss()  # FAULT
    # TWIN: criterion = nn.PoissonNLLLoss(log_input=False)
    null = deviance(count.mean().expand(len(count_val)), count_val).item()
    for epoch in range(15):
        model.train()
        losses = []
        for idx in torch.randperm(len(x)).split(64):
            loss = criterion(model(x[idx]), count[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        model.eval()
        with torch.no_grad():
            explained = 1 - deviance(model(x_val).clamp_min(1e-6), count_val).item() / null
        print(f"epoch {epoch} loss {sum(losses) / len(losses):.4f} deviance explained {explained:.4f}")
    print(f"score: {max(explained, -5.0):.4f}")
