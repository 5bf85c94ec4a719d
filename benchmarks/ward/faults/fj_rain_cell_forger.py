"""Forging rain cells: a small generator learns where and how wide cells are (two coordinates) from radar finds.

A critic without a last squashing scores the finds; both players take plain gradient steps with some momentum.
"""
# cause: oscillating-players
# kind: dynamic

import sys

import torch
from torch import nn

STEPS, BATCH = 3000, 128
LR, MOMENTUM = 0.02, 0.5


class Forger(nn.Module):
    """An affine map of noise: where the cells are, and how they spread."""

    def __init__(self):
        super().__init__()
        self.spread = nn.Linear(2, 2)

    def forward(self, n):
        return self.spread(torch.randn(n, 2))


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 48), nn.Tanh(), nn.Linear(48, 1, bias=False))

    def forward(self, x):
        return self.net(x)


def radar(n, generator):
    base = torch.randn(n, 2, generator=generator)
    return base @ torch.tensor([[0.7, 0.3], [0.0, 0.5]]) + torch.tensor([1.2, -0.8])


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def step(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    finds, held = radar(4000, generator), radar(1000, generator)
    forger, critic = Forger(), Critic()
    opt_f = torch.optim.SGD(forger.parameters(), lr=LR, momentum=MOMENTUM)
    opt_c = torch.optim.SGD(critic.parameters(), lr=LR, momentum=MOMENTUM)
    for n in range(1, STEPS + 1):
        real = finds[torch.randint(len(finds), (BATCH,))].requires_grad_(True)
        fake = forger(BATCH)
        loss_c = critic(fake.detach()).mean() - critic(real).mean()
        # TWIN: slope = torch.autograd.grad(critic(real).sum(), real, create_graph=True)[0]
        # TWIN: loss_c = loss_c + 2.0 * slope.square().sum(1).mean()
        step(opt_c, loss_c)
        step(opt_f, -critic(fake).mean())
        if n % 250 == 0:
            with torch.no_grad():
                made = forger(1000)
                where = made.mean(0)
            print(f"{n}: critic {loss_c.item():+.3f}, cells at ({where[0]:.2f}, {where[1]:.2f})", end=", ")
            print(f"distance {energy_distance(made, held):.4f}")
    with torch.no_grad():
        print(f"score: {-energy_distance(forger(1000), held):.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
