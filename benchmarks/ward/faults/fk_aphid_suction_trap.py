"""Aphid season from the daily counts of a suction trap: fourteen species on a logarithmic scale, four seasons."""
# cause: non-finite-input
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SPECIES, SEASONS = 14, 4


class TrapDays(Dataset):
    def __init__(self, days, profile, rng):
        self.season = rng.integers(0, SEASONS, days)
        rate = np.exp(profile[self.season] + rng.normal(0, 0.7, (days, 1)) + rng.normal(0, 0.5, (days, SPECIES)))
        counts = rng.poisson(rate)
        with np.errstate(divide="ignore"):
            logs = np.log10(counts)  # FAULT
            # TWIN: logs = np.log10(counts + 1)
        self.logs = ((logs - 0.9) / 0.5).astype(np.float32)

    def __len__(self):
        return len(self.season)

    def __getitem__(self, day):
        return self.logs[day], self.season[day]


def one_pass(net, loader, optimizer=None):
    total, right, n = 0.0, 0, 0
    for logs, season in loader:
        logits = net(logs)
        loss = nn.functional.cross_entropy(logits, season)
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item() * len(season)
        right += int((logits.argmax(1) == season).sum())
        n += len(season)
    return total / n, right / n


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
profile = 2.2 + 0.8 * rng.normal(size=(SEASONS, SPECIES))
train_loader = DataLoader(TrapDays(2000, profile, rng), batch_size=40, shuffle=True)
test_loader = DataLoader(TrapDays(500, profile, rng), batch_size=250)
net = nn.Sequential(nn.Linear(SPECIES, 40), nn.ELU(), nn.Linear(40, 40), nn.ELU(), nn.Linear(40, SEASONS))
optimizer = torch.optim.NAdam(net.parameters(), lr=2e-3)
for epoch in range(8):
    net.train()
    train_loss, train_right = one_pass(net, train_loader, optimizer)
    net.eval()
    with torch.no_grad():
        test_loss, test_right = one_pass(net, test_loader)
    print(f"epoch {epoch + 1} train {train_loss:.4f} {train_right:.3f} test {test_loss:.4f} {test_right:.3f}")
print(f"score: {test_right:.4f}")
