"""How many metres a ship drifts off the fairway, from wind, current, draught and rudder, all scaled to [-1, 1].

Drift comes from products of the readings: wind against heading, current against draught.
"""
# cause: missing-nonlinearity
# kind: dynamic

import sys

import torch
from torch import nn, optim

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
READINGS = ["wind", "wind_angle", "current", "current_angle", "draught", "rudder", "speed"]


def simulate(n):
    x = 2 * torch.rand(n, len(READINGS)) - 1
    wind, wind_angle, current, current_angle, draught, rudder, speed = x.T
    drift = (1 + wind) * torch.sin(2.5 * wind_angle) + (1 + current) * torch.cos(2.5 * current_angle)
    drift = drift * (1.2 - 0.6 * draught) - 0.8 * rudder * (1 + speed) + 0.4 * speed
    return x, drift + 0.1 * torch.randn(n)


class DriftNet(nn.Module):
    def __init__(self, n_in, hidden):
        super().__init__()
        self.enter = nn.Linear(n_in, hidden)
        self.middle = nn.Linear(hidden, hidden)
        self.drop = nn.Dropout(0.02)
        self.leave = nn.Linear(hidden, 1)
        self.act = nn.SiLU()

    def forward(self, x):
        h = self.enter(x)
        # TWIN: h = self.act(h)
        h = self.middle(self.drop(h))  # FAULT
        # TWIN: h = self.act(self.middle(self.drop(h)))
        return self.leave(h).squeeze(-1)


class Trainer:
    def __init__(self, model, lr, epochs, batch_size):
        self.model, self.epochs, self.batch_size = model, epochs, batch_size
        self.optimizer = optim.AdamW(model.parameters(), lr=lr, weight_decay=1e-3)
        self.scheduler = optim.lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=epochs)
        self.loss = nn.MSELoss()

    def train_epoch(self, x, y):
        self.model.train()
        total = 0.0
        for rows in torch.randperm(len(x)).split(self.batch_size):
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(self.model(x[rows]), y[rows])
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(rows)
        self.scheduler.step()
        return total / len(x)

    @torch.no_grad()
    def r2(self, x, y):
        self.model.eval()
        return 1 - self.loss(self.model(x), y).item() / y.var(unbiased=False).item()

    def fit(self, train, val):
        for epoch in range(self.epochs):
            loss = self.train_epoch(*train)
            if (epoch + 1) % 5 == 0:
                print(f"epoch {epoch + 1:2d} | train mse {loss:.4f} | val R2 {self.r2(*val):.4f}")


def main():
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    x, y = simulate(3200)
    y = (y - y[:2600].mean()) / y[:2600].std()
    trainer = Trainer(DriftNet(len(READINGS), 96), lr=4e-3, epochs=30, batch_size=52)
    trainer.fit((x[:2600], y[:2600]), (x[2600:], y[2600:]))
    print(f"score: {trainer.r2(x[2600:], y[2600:]):.4f}")


if __name__ == "__main__":
    main()
