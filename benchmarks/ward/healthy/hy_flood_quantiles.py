"""Five quantiles of a river's level from rain and snow, pinball loss; increments through softplus keep the quantiles in
order. Scored against the quantiles of the training levels."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

LEVELS = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95])


def rivers(n):
    rain, snow, warm = torch.rand(n) ** 2, torch.rand(n), torch.randn(n)
    level = 2.2 * rain + 1.4 * snow * torch.sigmoid(2 * warm) + (0.1 + 0.4 * rain) * torch.randn(n)
    x = torch.stack([(rain - 0.33) / 0.3, (snow - 0.5) / 0.29, warm], dim=1)
    return x, (level - 1.1) / 0.85


class Quantiles(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 48), nn.GELU(), nn.Linear(48, 48), nn.GELU(), nn.Linear(48, 5))

    def forward(self, x):
        first, steps = self.body(x).split([1, 4], dim=1)
        return torch.cat([first, first + F.softplus(steps).cumsum(dim=1)], dim=1)


def pinball(quantiles, y):
    error = y.unsqueeze(1) - quantiles
    return torch.maximum(LEVELS * error, (LEVELS - 1) * error).mean()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = rivers(3000)
    x_test, y_test = rivers(1000)
    model = Quantiles()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 6, gamma=0.3)
    for epoch in range(15):
        total = 0.0
        for idx in torch.randperm(3000).split(60):
            loss = pinball(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        with torch.no_grad():
            test = pinball(model(x_test), y_test).item()
        print(f"epoch {epoch + 1:2d} train {total / 50:.4f} test {test:.4f}")
    flat = pinball(torch.quantile(y, LEVELS).expand(1000, 5), y_test).item()
    print(f"score: {1 - test / flat:.4f}")
