"""Hourly demand of a bike hire scheme. Commuters, day trippers and night owls follow different rules,
so a mixture of four small experts with a learned gate predicts the (standardised) number of rides.
"""
# cause: softmax-wrong-axis
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def make_hours(n, rng):
    hour = rng.uniform(0, 24, n)
    workday = (rng.random(n) < 5 / 7).astype(float)
    temp = rng.normal(14, 7, n)
    rain = rng.exponential(0.6, n) * (rng.random(n) < 0.3)
    peak = np.exp(-((hour - 8) ** 2) / 3) + np.exp(-((hour - 17.5) ** 2) / 4)
    leisure = np.exp(-((hour - 14) ** 2) / 18) * (1 + 0.05 * (temp - 14))
    rides = workday * 2.2 * peak + (1 - workday) * 1.8 * leisure + 0.3 + 0.02 * temp
    rides = rides - 0.8 * rain * (hour > 6) + 0.1 * rng.normal(size=n)
    x = np.stack(
        [
            np.sin(hour * np.pi / 12),
            np.cos(hour * np.pi / 12),
            np.sin(hour * np.pi / 6),
            np.cos(hour * np.pi / 6),
            workday - 5 / 7,
            (temp - 14) / 7,
            rain,
        ],
        axis=1,
    )
    return x.astype(np.float32), rides.astype(np.float32)


class Expert(nn.Sequential):
    def __init__(self, d):
        super().__init__(nn.Linear(d, 24), nn.ELU(), nn.Linear(24, 1))


class MixtureOfExperts(nn.Module):
    def __init__(self, d, n_experts=4):
        super().__init__()
        self.experts = nn.ModuleList([Expert(d) for _ in range(n_experts)])
        self.gate = nn.Sequential(nn.Linear(d, 16), nn.ELU(), nn.Linear(16, n_experts))

    def forward(self, x):
        votes = torch.cat([expert(x) for expert in self.experts], dim=1)
        weights = F.softmax(self.gate(x), dim=0)  # FAULT
        # TWIN: weights = F.softmax(self.gate(x), dim=1)
        return (weights * votes).sum(dim=1)


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)
        self.sched = torch.optim.lr_scheduler.StepLR(self.opt, step_size=10, gamma=0.5)

    def fit(self, x, y, x_val, y_val, epochs, batch_size):
        for epoch in range(epochs):
            losses = []
            for idx in torch.randperm(len(x)).split(batch_size):
                loss = F.mse_loss(self.model(x[idx]), y[idx])
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                losses.append(loss.item())
            self.sched.step()
            if epoch % 3 == 2:
                print(f"epoch {epoch + 1}: train mse {np.mean(losses):.4f}  val R2 {self.r2(x_val, y_val):.4f}")

    @torch.no_grad()
    def r2(self, x, y):
        pred = self.model(x)
        return (1 - (pred - y).pow(2).sum() / (y - y.mean()).pow(2).sum()).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, rides = make_hours(2600, rng)
    y = (rides - rides[:2000].mean()) / rides[:2000].std()
    x, y = torch.from_numpy(x), torch.from_numpy(y)

    trainer = Trainer(MixtureOfExperts(x.shape[1]), lr=0.01)
    trainer.fit(x[:2000], y[:2000], x[2000:], y[2000:], epochs=21, batch_size=50)
    print(f"score: {trainer.r2(x[2000:], y[2000:]):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
