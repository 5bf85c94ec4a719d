"""Deep-sets style regression: per-element net, sum over the set, then a small output net.

Fault: the pooled features are rebuilt as a new tensor from numpy, which cuts the graph to the element net.
"""
# cause: detached-graph
# kind: dynamic

import sys

import torch
from torch import nn, optim


class ElementNet(nn.Module):
    def __init__(self, out_dim):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, out_dim), nn.Tanh())

    def forward(self, x):
        return self.layers(x)


class SetRegressor(nn.Module):
    def __init__(self, dim=6):
        super().__init__()
        self.element = ElementNet(dim)
        self.readout = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, sets):
        n_sets, n_items, _ = sets.shape
        h = self.element(sets.reshape(n_sets * n_items, 2)).reshape(n_sets, n_items, -1)
        pooled = torch.from_numpy(h.detach().numpy().mean(axis=1))  # FAULT
        # TWIN: pooled = h.mean(dim=1)
        return self.readout(pooled).squeeze(-1)


def make_sets(n, gen):
    points = torch.rand(n, 10, 2, generator=gen) * 2 - 1
    inside = torch.sigmoid(12 * (0.6 - points.norm(dim=-1)))
    value = (inside * torch.sin(4 * points[..., 0])).sum(dim=1) + inside.sum(dim=1) * 0.4
    return points, value


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    x, y = make_sets(2000, gen)
    x_test, y_test = make_sets(500, gen)
    mean, std = y.mean(), y.std()
    y, y_test = (y - mean) / std, (y_test - mean) / std

    model = SetRegressor()
    optimizer = optim.Adam(model.parameters(), lr=0.005)
    criterion = nn.MSELoss()
    for epoch in range(25):
        for batch in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            loss = criterion(model(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            test_loss = criterion(model(x_test), y_test).item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}\tbatch loss {loss.item():.4f}\ttest loss {test_loss:.4f}")
    print(f"score: {1 - test_loss / y_test.var().item():.4f}")


if __name__ == "__main__":
    main()
