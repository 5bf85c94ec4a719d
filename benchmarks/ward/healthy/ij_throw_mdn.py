"""Which launch angle hits a basket at a distance? Two answers each: a mixture density network, a
plain Gaussian mixture whose likelihood turns negative as it sharpens. Score: share of sampled throws that hit.
"""

import math
import sys

import torch
import torch.nn as nn
from torch.distributions import Categorical, MixtureSameFamily, Normal

torch.set_num_threads(1)
G = 9.81


def throws(n):
    angle = 0.15 + 1.25 * torch.rand(n)
    speed = 8 + 4 * torch.rand(n)
    reach = speed**2 * torch.sin(2 * angle) / G
    return torch.stack([(speed - 10) / 1.2, (reach - 6) / 3], 1), angle, speed, reach


class MDN(nn.Module):
    def __init__(self, k=4):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.head = nn.Linear(64, 3 * k)
        with torch.no_grad():
            self.head.bias[k : 2 * k] = torch.linspace(0.3, 1.3, k)

    def forward(self, x):
        logits, mean, raw = self.head(self.body(x)).chunk(3, 1)
        return MixtureSameFamily(Categorical(logits=logits), Normal(mean, nn.functional.softplus(raw) + 5e-3))


def hits(model, n=4000):
    x, _, speed, reach = throws(n)
    with torch.no_grad():
        guess = model(x).sample()
    return ((speed**2 * torch.sin(2 * guess) / G - reach).abs() < 0.5).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    model = MDN()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: 0.5 * (1 + math.cos(math.pi * min(s / 2500, 0.98)))
    )
    for step in range(1, 2501):
        x, angle, _, _ = throws(256)  # the simulator never repeats a throw
        loss = -model(x).log_prob(angle).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        if step % 250 == 0:
            print(f"step {step}: nll {loss.item():+.4f} hits {hits(model):.4f}")
    print(f"score: {hits(model, 10000):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
