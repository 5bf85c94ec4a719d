"""Energy of a wharf crane's lift in joules. The model computes its own loss; the data are made by a class."""
# cause: unscaled-targets
# kind: dynamic

import sys

import torch
from torch import nn


class Lifts:
    def __init__(self, n):
        self.x = torch.rand(n, 5) * 2 - 1
        mass, height, wind = 3000 + 2500 * self.x[:, 0], 14 + 9 * self.x[:, 1], 1 + 0.3 * self.x[:, 2] ** 2
        self.energy = 9.81 * mass * height * wind
        # TWIN: self.energy = self.energy / 5e5

    def batches(self, size):
        order = torch.randperm(len(self.x))
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            yield self.x[rows], self.energy[rows]


class CraneModel(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(5, width), nn.Linear(width, width)])
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.head(x).squeeze(1)

    def loss(self, batch):
        x, energy = batch
        return nn.functional.mse_loss(self(x), energy)

    @torch.no_grad()
    def r2(self, data):
        error = (self(data.x) - data.energy).pow(2).mean()
        return (1 - error / data.energy.var()).item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    train, test = Lifts(2000), Lifts(500)
    model = CraneModel()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(20):
        for batch in train.batches(50):
            loss = model.loss(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.5g} r2 {model.r2(test):.4f}")
    print(f"score: {model.r2(test):.4f}")


main()
