"""Signal/background selection for a toy two-body decay: an eight-layer network on the raw four-momenta of
the two candidate daughters, after the "deep networks find the invariant mass themselves" papers.
"""
# cause: vanishing-gradient
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn


def boost_pair(rng, n, mass):
    """Decay a particle of the given mass (array) at random momentum into two massless daughters."""
    cos = rng.uniform(-1, 1, n)
    phi = rng.uniform(0, 2 * np.pi, n)
    sin = np.sqrt(1 - cos**2)
    direction = np.stack([sin * np.cos(phi), sin * np.sin(phi), cos], 1)
    first = np.concatenate([np.ones((n, 1)), direction], 1) * mass[:, None] / 2
    second = np.concatenate([np.ones((n, 1)), -direction], 1) * mass[:, None] / 2

    momentum = rng.exponential(0.6, n)
    gamma = np.sqrt(1 + momentum**2)
    for p in (first, second):
        e, pz = p[:, 0].copy(), p[:, 3].copy()
        p[:, 0] = gamma * e + momentum * pz
        p[:, 3] = gamma * pz + momentum * e
        p *= rng.normal(1.0, 0.02, (n, 1))  # calorimeter resolution
    return np.concatenate([first, second], 1)


def make_events(rng, n):
    y = rng.integers(0, 2, n)
    background = np.where(rng.random(n) < 0.5, rng.uniform(0.5, 1.6, n), rng.uniform(2.4, 3.5, n))
    mass = np.where(y == 1, rng.normal(2.0, 0.1, n), background)
    return boost_pair(rng, n, mass).astype(np.float32), y.astype(np.float32)


def build(n_in, width=40, depth=8):
    layers = []
    for i in range(depth):
        linear = nn.Linear(n_in if i == 0 else width, width)
        nn.init.xavier_normal_(linear.weight)
        nn.init.zeros_(linear.bias)
        layers.append(linear)
        layers.append(nn.Sigmoid())  # FAULT
        # TWIN: layers.append(nn.Tanh())
    layers.append(nn.Linear(width, 1))
    return nn.Sequential(*layers)


def purity(net, x, y):
    net.eval()
    with torch.no_grad():
        hit = ((net(x).squeeze(1) > 0).float() == y).float().mean().item()
    net.train()
    return hit


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)

    x, y = make_events(rng, 12000)
    mean, std = x[:8000].mean(0), x[:8000].std(0)
    x = torch.from_numpy((x - mean) / std)
    y = torch.from_numpy(y)
    x_train, x_val, x_test = x[:8000], x[8000:10000], x[10000:]
    y_train, y_val, y_test = y[:8000], y[8000:10000], y[10000:]

    net = build(x.shape[1])
    sgd = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9, nesterov=True)
    bce = nn.BCEWithLogitsLoss()

    epochs, batch = 12, 64
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, epochs)
    for epoch in range(epochs):
        order = torch.randperm(len(x_train))
        mean_loss = 0.0
        for k in range(0, len(order), batch):
            pick = order[k : k + batch]
            loss = bce(net(x_train[pick]).squeeze(1), y_train[pick])
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            mean_loss += loss.item() * len(pick) / len(order)
        decay.step()
        print(f"[{epoch + 1:2d}/{epochs}] bce {mean_loss:.4f}   val accuracy {purity(net, x_val, y_val):.4f}")

    print(f"score: {purity(net, x_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
