"""A table regressor that grows: after some epochs each hidden layer is widened by copying units and splitting their
outgoing weights (Net2Wider), then an identity layer is put in (Net2Deeper); the function stays the same, the parameters
are new objects with a new optimizer each time. Score: R2 on held-out California-like houses (made up).
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


def houses(n):
    x = torch.randn(n, 8)
    income, age, rooms, lat, lon = x[:, 0], x[:, 1], x[:, 2], x[:, 3], x[:, 4]
    coast = torch.exp(-((lat + 0.8 * lon - 0.3) ** 2) / 0.5)
    y = 0.8 * income + 0.9 * coast * (1 + 0.5 * income) + 0.3 * torch.sin(2 * age) + 0.25 * rooms * torch.tanh(x[:, 5])
    return x, y + 0.25 * torch.randn(n)


@torch.no_grad()
def wider(a, b, width):
    """New layers of more units between a and b that compute what the old ones did."""
    old = a.out_features
    pick = torch.cat([torch.arange(old), torch.randint(old, (width - old,))])
    copies = torch.bincount(pick, minlength=old).float()
    na, nb = nn.Linear(a.in_features, width), nn.Linear(width, b.out_features)
    na.weight.copy_(a.weight[pick])
    na.bias.copy_(a.bias[pick])
    share = torch.ones(width)
    share[old:] += 0.3 * torch.randn(width - old)
    total = torch.zeros(old).index_add(0, pick, share)
    share = torch.where(total[pick].abs() > 0.3, share / total[pick], 1 / copies[pick])
    nb.weight.copy_(b.weight[:, pick] * share)
    nb.bias.copy_(b.bias)
    return na, nb


@torch.no_grad()
def identity(width):
    layer = nn.Linear(width, width)
    nn.init.eye_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def forward(layers, x):
    for layer in layers[:-1]:
        x = F.relu(layer(x))
    return layers[-1](x).squeeze(1)


def train(layers, data, val, epochs, lr, label):
    optimizer = torch.optim.Adam(layers.parameters(), lr=lr)
    steps = epochs * math.ceil(len(data[0]) / 100)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=0.1 * lr)
    for epoch in range(1, epochs + 1):
        for index in torch.randperm(len(data[0])).split(100):
            loss = F.mse_loss(forward(layers, data[0][index]), data[1][index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        if epoch % 4 == 0:
            with torch.no_grad():
                error = F.mse_loss(forward(layers, val[0]), val[1]).item()
            size = sum(p.numel() for p in layers.parameters())
            print(f"{label} epoch {epoch}: {size} weights, batch loss {loss.item():.4f} val {error:.4f}")


def main(seed):
    torch.manual_seed(seed)
    data, val, test = houses(5000), houses(1000), houses(2000)
    layers = nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 1)])
    train(layers, data, val, 12, 1e-2, "small")
    layers[0], layers[1] = wider(layers[0], layers[1], 48)
    train(layers, data, val, 16, 5e-3, "wider")
    layers = nn.ModuleList([layers[0], identity(48), layers[1]])
    train(layers, data, val, 16, 3e-3, "deeper")
    with torch.no_grad():
        residual = F.mse_loss(forward(layers, test[0]), test[1])
    print(f"score: {1 - (residual / test[1].var()).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
