"""Regression from binary vectors to a real number with four equally wide hidden layers.

After https://ai.stackexchange.com/questions/16557/what-could-be-the-problem-when-a-neural-network-with-four-hidden-layers-with-the
"""
# cause: vanishing-gradient
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

N_BITS = 24
WIDTH = 100


def make_points(n, rng):
    bits = rng.integers(0, 2, size=(n, N_BITS)).astype(np.float32)
    rule = np.random.default_rng(11)
    linear = rule.normal(size=N_BITS)
    pairs = rule.integers(0, N_BITS, size=(6, 2))
    value = (2 * bits - 1) @ linear
    for i, j in pairs:
        value += 1.5 * bits[:, i] * bits[:, j]
    return bits, value.astype(np.float32)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Linear(N_BITS, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)]
        )
        self.output = nn.Linear(WIDTH, 1)
        self.activation = nn.Sigmoid()  # FAULT
        # TWIN: self.activation = nn.ReLU()

    def forward(self, x):
        for layer in self.layers:
            x = self.activation(layer(x))
        return self.output(x).squeeze(1)


def r_squared(model, x, y):
    model.eval()
    with torch.no_grad():
        residual = ((model(x) - y) ** 2).sum()
    return (1 - residual / ((y - y.mean()) ** 2).sum()).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)

    x, y = make_points(3000, rng)
    x_test, y_test = make_points(600, rng)
    mean, std = y.mean(), y.std()
    x = torch.from_numpy(2 * x - 1)
    x_test = torch.from_numpy(2 * x_test - 1)
    y = torch.from_numpy((y - mean) / std)
    y_test = torch.from_numpy((y_test - mean) / std)

    model = Network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    loss_fn = nn.MSELoss()
    batch_size = 60

    for epoch in range(1, 25):
        model.train()
        permutation = torch.randperm(len(x))
        epoch_loss = 0.0
        for k in range(0, len(x), batch_size):
            batch = permutation[k : k + batch_size]
            optimizer.zero_grad()
            loss = loss_fn(model(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(batch)
        if epoch % 3 == 0:
            print(
                f"epoch {epoch}: training loss {epoch_loss / len(x):.4f}, test R2 {r_squared(model, x_test, y_test):.4f}"
            )

    print(f"score: {r_squared(model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
