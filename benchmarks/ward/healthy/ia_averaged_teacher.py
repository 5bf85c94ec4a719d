"""Keeps a moving average of the weights and uses the average, not the weights, when it is tested."""

import copy
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Average:
    def __init__(self, model, decay=0.98):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model):
        for mean, weight in zip(self.model.parameters(), model.parameters(), strict=True):
            mean.lerp_(weight, 1 - self.decay)


def wells(n, w):
    x = torch.randn(n, 8)
    y = torch.tanh(x @ w[0]) @ w[1]
    return x, (y / 1.6 + 0.3 * torch.randn(n)).unsqueeze(1)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    w = torch.randn(8, 6) * 0.6, torch.randn(6)
    loader = DataLoader(TensorDataset(*wells(2500, w)), batch_size=50, shuffle=True)
    x_test, y_test = wells(500, w)
    model = nn.Sequential(nn.Linear(8, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1))
    average = Average(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(12):
        model.train()
        for x, y in loader:
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            average.update(model)
        with torch.no_grad():
            error = nn.functional.mse_loss(average.model(x_test), y_test).item()
        print(f"epoch {epoch} loss {loss.item():.4f} average's error {error:.4f}")
    print(f"score: {1 - error / y_test.var().item():.4f}")


main()
