"""When does a valve leak: above one line and below another in the plane of pressure and heat. Four hidden units are all
it takes, and all the controller has room for."""

import sys

import torch
from torch import nn


def valves(n):
    x = torch.randn(n, 2)
    margin = (1.2 * x[:, 0] - 0.8 * x[:, 1]).abs() - 0.8
    return x, (margin > 0).float()


def train(net, x, y, epochs=25):
    optimizer = torch.optim.Adam(net.parameters(), lr=0.03)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 10, 0.3)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(epochs):
        running = 0.0
        for idx in torch.randperm(len(x)).split(50):
            loss = criterion(net(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item() * len(idx) / len(x)
        scheduler.step()
        print(f"epoch {epoch} loss {running:.4f}")
    return net


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1), nn.Flatten(0))
    x_test, y_test = valves(1000)
    train(net, *valves(1500))
    with torch.no_grad():
        accuracy = ((net(x_test) > 0) == (y_test > 0.5)).float().mean().item()
    print(f"score: {accuracy:.4f}")
