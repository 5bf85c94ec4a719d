"""Marathon finishing times: five quantiles at once with the pinball loss, steps between them kept positive, so they
never cross; weights averaged by EMA for evaluation. Score: 1 - pinball loss / that of the constant quantiles.
"""

import sys

import torch
import torch.nn as nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.set_num_threads(1)
TAUS = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95])


def runners(n):
    age, km = 18 + 52 * torch.rand(n), 15 + 90 * torch.rand(n) ** 1.5
    half = torch.exp(torch.randn(n) * 0.12 + 4.68) + 0.4 * torch.relu(age - 38) - 0.15 * (km - 45)
    heat = 5 + 22 * torch.rand(n)
    wall = torch.distributions.Exponential(1.0).sample((n,)) * (2 + 0.9 * torch.relu(60 - km) / 2)
    time = 2.08 * half + 0.8 * torch.relu(heat - 12) + wall + 2 * torch.randn(n)
    return torch.stack([age, km, half, heat], 1), time


class Quantiles(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 48), nn.GELU(), nn.Linear(48, 48), nn.GELU(), nn.Linear(48, len(TAUS)))

    def forward(self, x):
        out = self.net(x)
        return out[:, :1] + nn.functional.pad(nn.functional.softplus(out[:, 1:] - 1).cumsum(1), (1, 0))


def pinball(q, y):
    e = y[:, None] - q
    return torch.maximum(TAUS * e, (TAUS - 1) * e).mean()


def main(seed):
    torch.manual_seed(seed)
    x, y = runners(6000)
    n = 4800
    x = (x - x[:n].mean(0)) / x[:n].std(0)
    y = (y - y[:n].mean()) / y[:n].std()
    base = pinball(torch.quantile(y[:n], TAUS).expand(len(y) - n, -1), y[n:]).item()
    model = Quantiles()
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, 31):
        for idx in torch.randperm(n).split(80):
            loss = pinball(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            ema.update_parameters(model)
        if epoch % 3 == 0:
            with torch.no_grad():
                q = ema(x[n:])
            covered = ((y[n:] > q[:, 0]) & (y[n:] < q[:, -1])).float().mean().item()
            held = pinball(q, y[n:]).item()
            print(f"epoch {epoch}: train {loss.item():.4f} held out {held:.4f} band covers {covered:.3f}")
    print(f"score: {1 - held / base:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
