"""Power output from sensor readings with a two-layer network; RMSprop at 1e-6 barely moves the weights."""
# cause: learning-rate-too-low
# kind: dynamic

import sys

import torch
from torch import nn, optim

LEARNING_RATE = 1e-6  # FAULT
# TWIN: LEARNING_RATE = 1e-3


class PlantModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU())
        self.output = nn.Linear(48, 1)

    def forward(self, x):
        return self.output(self.body(x)).squeeze(-1)


def readings(n, gen):
    x = torch.randn(n, 6, generator=gen)
    power = 1.5 * x[:, 0] - x[:, 1] + 0.8 * x[:, 2] * x[:, 3] + torch.sin(2 * x[:, 4])
    return x, power + 0.1 * torch.randn(n, generator=gen)


def main(seed=0):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(1000 + seed)
    x, y = readings(2400, gen)
    y = (y - y[:2000].mean()) / y[:2000].std()
    train_x, train_y, val_x, val_y = x[:2000], y[:2000], x[2000:], y[2000:]

    model = PlantModel()
    optimizer = optim.RMSprop(model.parameters(), lr=LEARNING_RATE)
    criterion = nn.SmoothL1Loss()
    for epoch in range(1, 21):
        model.train()
        train_loss = 0.0
        for idx in torch.randperm(2000).split(40):
            optimizer.zero_grad()
            loss = criterion(model(train_x[idx]), train_y[idx])
            loss.backward()
            optimizer.step()
            train_loss += loss.item() / 50
        model.eval()
        with torch.no_grad():
            pred = model(val_x)
            val_loss = criterion(pred, val_y).item()
        print(f"epoch {epoch:3d}/20 - loss {train_loss:.5f} - val_loss {val_loss:.5f}")
    r2 = 1 - (pred - val_y).pow(2).mean() / val_y.var()
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
