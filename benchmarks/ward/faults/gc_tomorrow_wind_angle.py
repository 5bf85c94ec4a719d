"""Tomorrow's wind direction, an angle: a network gives a mixture of two von Mises densities, whose concentrations may
be large, so the negative log-likelihood goes well below zero. Full-batch steps with NAdam; inputs are sines and
cosines. Score: mean log-likelihood of held-out days (a uniform guess has -1.838).
"""
# cause: labels-unrelated
# kind: dynamic

import math
import sys

import torch
import torch.nn as nn
from torch.distributions import VonMises

torch.set_num_threads(1)


def weather(n):
    now = (torch.rand(n) * 2 - 1) * math.pi
    pressure, season = torch.randn(n), torch.rand(n) * 2 * math.pi
    steady = torch.rand(n) < torch.sigmoid(1.5 * pressure)
    mean = torch.where(steady, now + 0.4 * torch.sin(season), 0.8 * torch.cos(season) + 2.2)
    kappa = torch.where(steady, torch.full((n,), 200.0), 60 + 30 * torch.sin(season))
    tomorrow = VonMises(mean, kappa).sample()
    x = torch.stack([now.sin(), now.cos(), pressure, season.sin(), season.cos()], 1)
    return x[:-1], tomorrow[1:]  # FAULT
    # TWIN: return x, tomorrow


class Directions(nn.Module):
    def __init__(self, parts=2, width=64):
        super().__init__()
        self.parts = parts
        self.body = nn.Sequential(nn.Linear(5, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.head = nn.Linear(width, 4 * parts)

    def log_prob(self, x, angle):
        weight, kappa, s, c = self.head(self.body(x)).split(self.parts, 1)
        each = VonMises(torch.atan2(s, c), nn.functional.softplus(3 * kappa) + 0.1).log_prob(angle[:, None])
        return torch.logsumexp(weight.log_softmax(1) + each, 1)


def main(seed):
    torch.manual_seed(seed)
    (x, a), (vx, va), (tx, ta) = weather(3000), weather(800), weather(1500)
    model = Directions()
    optimizer = torch.optim.NAdam(model.parameters(), lr=6e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 700)
    for step in range(1, 701):
        optimizer.zero_grad()
        loss = -model.log_prob(x, a).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            with torch.no_grad():
                val = -model.log_prob(vx, va).mean()
            print(f"step {step}: train nll {loss.item():.4f} val nll {val.item():.4f}")
    with torch.no_grad():
        print(f"score: {model.log_prob(tx, ta).mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
