"""Flour grade from a mill's readings. The model's predict method is what the miller uses; training goes by forward."""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import torch
from torch import nn


def scale(x):
    return (x - 40.0) / 12.0


class Mill:
    def __init__(self, n, rule):
        z = torch.randn(n, 9)
        self.x = 40 + 12 * z
        self.y = (torch.sin(z @ rule) @ rule.T[:, :5]).argmax(1)


def fit(net, data, epochs, optimizer):
    inputs = scale(data.x)
    for epoch in range(epochs):
        for rows in torch.randperm(len(inputs)).split(40):
            loss = nn.functional.cross_entropy(net(inputs[rows]), data.y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield loss.item()


@torch.inference_mode()
def score(net, data):
    predicted = net(data.x)  # FAULT
    # TWIN: predicted = net(scale(data.x))
    return (predicted.argmax(1) == data.y).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rule = 0.4 * torch.randn(9, 9)
    train, test = Mill(2500, rule), Mill(500, rule)
    net = nn.Sequential(nn.Linear(9, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 5))
    for epoch, loss in enumerate(fit(net, train, 15, torch.optim.Adam(net.parameters(), 3e-3))):
        print(f"{epoch} {loss:.3f} {score(net, test):.3f}")
    print(f"score: {score(net, test):.4f}")


main()
