"""Digits by a small spiking net: pixels are coded as random spikes (a Bernoulli draw each time step, in evaluation
too), leaky integrate-and-fire units with a surrogate gradient. Score: accuracy.
"""

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.set_num_threads(1)


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, v):
        ctx.save_for_backward(v)
        return (v > 0).float()

    @staticmethod
    def backward(ctx, grad):
        (v,) = ctx.saved_tensors
        return grad / (1 + 5 * v.abs()).square()


class Spiking(nn.Module):
    def __init__(self, steps=12):
        super().__init__()
        self.steps, self.one, self.two = steps, nn.Linear(64, 80), nn.Linear(80, 10)

    def forward(self, x):
        v, u, out = 0.0, 0.0, 0.0
        for _ in range(self.steps):
            v = 0.8 * v + self.one(torch.bernoulli(x))
            s = Spike.apply(v - 1.0)
            v = v * (1 - s.detach())
            u = 0.9 * u + self.two(s)
            out = out + u
        return out / self.steps


def main(seed):
    torch.manual_seed(seed)
    digits = load_digits()
    x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
    order = torch.randperm(len(x))
    x, y = x[order], y[order]
    net = Spiking()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(10):
        net.train()
        for rows in torch.randperm(1400).split(50):
            loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            right = (net(x[1400:]).argmax(1) == y[1400:]).float().mean().item()
        print(f"epoch {epoch}: {loss.item():.4f} held {right:.4f}")
    print(f"score: {right:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
