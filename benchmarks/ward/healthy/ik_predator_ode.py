"""Lynx and hares: a neural vector field for the logarithms of two populations, integrated with small Euler steps from
noisy starts. First short pieces of the series, then longer ones. Score: one minus the error of long free runs.
"""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
DT, SUB = 0.2, 4


def truth(x):
    hare, lynx = x[..., 0].exp(), x[..., 1].exp()
    return torch.stack([1.0 - 0.9 * lynx - 0.05 * hare, 0.8 * hare - 0.9], -1)


def integrate(field, start, steps, sub=SUB):
    states, x = [start], start
    for _ in range(steps):
        for _ in range(sub):
            x = x + DT / sub * field(x)
        states.append(x)
    return torch.stack(states, -2)


class Field(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 2))

    def forward(self, x):
        return self.net(x)


def main(seed):
    torch.manual_seed(seed)
    with torch.no_grad():
        clean = integrate(truth, 0.6 * torch.randn(60, 2), 60, sub=50)
    noisy = clean + 0.03 * torch.randn_like(clean)
    train, val, test = noisy[:40], noisy[40:50], clean[50:]
    field = Field()
    optimizer = torch.optim.AdamW(field.parameters(), lr=5e-3, weight_decay=1e-5)
    for length, steps, lr in [(3, 400, 5e-3), (8, 250, 2e-3), (16, 120, 7e-4)]:
        for group in optimizer.param_groups:
            group["lr"] = lr
        for step in range(steps):
            who = torch.randint(0, len(train), (64,))
            begin = torch.randint(0, 61 - length, (64,))
            piece = train[who[:, None], begin[:, None] + torch.arange(length)]
            run = integrate(field, piece[:, 0], length - 1)
            loss = (run[:, 1:] - piece[:, 1:]).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(field.parameters(), 1.0)
            optimizer.step()
        with torch.no_grad():
            error = (integrate(field, val[:, 0], 20) - val[:, :21]).pow(2).mean().item()
        print(f"pieces of {length}: loss {loss.item():.5f}, free runs of 20 on others {error:.5f}")
    with torch.no_grad():
        error = (integrate(field, test[:, 0], 40) - test[:, :41]).pow(2).mean()
    print(f"score: {1 - (error / test[:, :41].var()).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
