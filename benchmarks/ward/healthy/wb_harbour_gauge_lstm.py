"""One series of a harbour's water level, forecast one step ahead by an LSTM over time first, as torch has it by
default: (T, 1, F). Truncated backpropagation over windows in order. Score: R2 on the last part of the series.
"""

import math
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.head(self.lstm(x)[0])


def main(seed):
    torch.manual_seed(seed)
    t = torch.arange(1600.0)
    level = torch.sin(2 * math.pi * t / 25) + 0.5 * torch.sin(2 * math.pi * t / 41 + 1) + 0.08 * torch.randn(1600)
    series = ((level - level[:1200].mean()) / level[:1200].std()).view(-1, 1, 1)
    net = Forecaster()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for epoch in range(25):
        net.train()
        total = 0.0
        for start in range(0, 1200, 100):
            x, y = series[start : start + 100], series[start + 1 : start + 101]
            loss = nn.functional.mse_loss(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        if epoch % 5 == 4:
            print(f"epoch {epoch}: mse {total / 12:.4f}")
    net.eval()
    with torch.no_grad():
        forecast = net(series[1200:-1])[20:]
    truth = series[1221:]
    print(f"score: {1 - (forecast - truth).square().mean().item() / truth.var().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
