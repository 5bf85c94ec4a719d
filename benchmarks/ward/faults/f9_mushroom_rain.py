"""Will the chanterelles come: two weeks of rain and temperature at a wood, read by a small recurrent network. Rain
spans orders of magnitude, so its logarithm is taken."""
# cause: non-finite-input
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn


def weather(n, rng):
    wet = rng.random((n, 14)) < rng.beta(6, 3, (n, 1))
    rain = np.where(wet, rng.gamma(1.2, 6.0, (n, 14)) + 0.1, 0.2)
    rain[rng.random((n, 14)) < 0.002] = 0.0
    warmth = rng.normal(15, 3, (n, 1)) + rng.normal(0, 2, (n, 14))
    soaked = np.log(rain + 0.2)[:, 4:11].mean(1) - 0.9
    margin = 2.5 * soaked + 0.35 * (warmth.mean(1) - 15) + rng.logistic(0, 0.3, n)
    return rain, warmth, (margin > 0).astype(np.float32)


def prepare(rain, warmth):
    wetness = np.log(rain)  # FAULT
    # TWIN: wetness = np.log(rain + 0.2)
    channels = [(wetness - 1) / 1.5, (warmth - 15) / 3.6]
    return torch.tensor(np.stack(channels, axis=2), dtype=torch.float32)


class Forager(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(2, 24, batch_first=True)
        self.head = nn.Linear(24, 1)

    def forward(self, days):
        states, _ = self.rnn(days)
        return self.head(states.mean(1)).squeeze(-1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    rain, warmth, y = weather(2000, rng)
    rain_test, warmth_test, y_test = weather(500, rng)
    x, x_test = prepare(rain, warmth), prepare(rain_test, warmth_test)
    y, y_test = torch.from_numpy(y), torch.from_numpy(y_test)
    net = Forager()
    opt = torch.optim.RMSprop(net.parameters(), lr=2e-3)
    bce = nn.BCEWithLogitsLoss()
    for epoch in range(12):
        net.train()
        losses = []
        for idx in torch.randperm(len(x)).split(40):
            opt.zero_grad()
            loss = bce(net(x[idx]), y[idx])
            loss.backward()
            opt.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            accuracy = ((net(x_test) > 0) == (y_test > 0.5)).float().mean().item()
        print(f"epoch {epoch + 1} loss {np.mean(losses):.4f} accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


main()
