"""Bands for the hours of a delivery: the 10th, 50th and 90th percentile by the pinball loss. The noise grows with the
distance. The score says how well the band covers, and how narrow it is."""
# cause: bad-initialization
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

LEVELS = torch.tensor([0.1, 0.5, 0.9])


class Bands(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 3))
        for p in self.body.parameters():  # FAULT
            p.data = torch.randn(p.shape)  # FAULT

    def forward(self, x):
        low, *steps = self.body(x).unbind(1)
        return torch.stack([low, *[nn.functional.softplus(s) for s in steps]], 1).cumsum(1)


def pinball(bands, y):
    gap = y.unsqueeze(1) - bands
    return torch.maximum(LEVELS * gap, (LEVELS - 1) * gap).mean()


def deliveries(n):
    x = torch.randn(n, 4)
    spread = 0.15 + 0.35 * torch.sigmoid(2 * x[:, 0])
    return x, torch.sin(1.5 * x[:, 0]) + 0.5 * x[:, 1] * x[:, 2] + spread * torch.randn(n)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    train = DataLoader(TensorDataset(*deliveries(4000)), batch_size=64, shuffle=True)
    x_test, y_test = deliveries(1000)
    model = Bands()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.85)
    for epoch in range(14):
        model.train()
        total = 0.0
        for x, y in train:
            loss = pinball(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / len(train)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            bands = model(x_test)
        inside = ((bands[:, 0] < y_test) & (y_test < bands[:, 2])).float().mean().item()
        print(f"epoch {epoch} train {total:.4f} test {pinball(bands, y_test).item():.4f} inside {inside:.3f}")
    plain = pinball(torch.quantile(y_test, LEVELS).expand(len(y_test), 3), y_test)
    print(f"score: {1 - (pinball(bands, y_test) / plain).item():.4f}")


main()
