"""Conductivity of a steel rod from forty noisy thermometer readings: a physics-informed network whose residual of the
heat equation holds the unknown coefficient. Adam first, then L-BFGS with a strong Wolfe line search.
"""

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)
TRUE_ALPHA = 0.3


def exact(x, t):
    first = torch.sin(math.pi * x) * torch.exp(-TRUE_ALPHA * math.pi**2 * t)
    return first + 0.5 * torch.sin(2 * math.pi * x) * torch.exp(-4 * TRUE_ALPHA * math.pi**2 * t)


class Rod(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1)
        )
        self.log_alpha = nn.Parameter(torch.tensor(0.0))

    def forward(self, x, t):
        return x * (1 - x) * 4 * self.net(torch.stack([2 * x - 1, 4 * t - 1], -1)).squeeze(-1)

    def residual(self, x, t):
        x, t = x.clone().requires_grad_(True), t.clone().requires_grad_(True)
        u = self(x, t)
        ux, ut = torch.autograd.grad(u.sum(), (x, t), create_graph=True)
        uxx = torch.autograd.grad(ux.sum(), x, create_graph=True)[0]
        return ut - self.log_alpha.exp() * uxx


def main(seed):
    torch.manual_seed(seed)
    sensors = torch.rand(40), 0.5 * torch.rand(40)
    reading = exact(*sensors) + 0.01 * torch.randn(40)
    start = torch.linspace(0, 1, 30)
    rod = Rod()

    def total(x, t):
        data = (rod(*sensors) - reading).pow(2).mean()
        begin = (rod(start, torch.zeros_like(start)) - exact(start, torch.zeros_like(start))).pow(2).mean()
        return data + begin + 0.02 * rod.residual(x, t).pow(2).mean()

    adam = torch.optim.Adam([{"params": rod.net.parameters()}, {"params": [rod.log_alpha], "lr": 1e-2}], lr=5e-3)
    for step in range(900):
        loss = total(torch.rand(128), 0.5 * torch.rand(128))
        adam.zero_grad()
        loss.backward()
        adam.step()
        if step % 150 == 0:
            print(f"adam {step} loss {loss.item():.5f} alpha {rod.log_alpha.exp().item():.4f}")

    x, t = torch.rand(400), 0.5 * torch.rand(400)
    lbfgs = torch.optim.LBFGS(rod.parameters(), max_iter=20, history_size=30, line_search_fn="strong_wolfe")

    def closure():
        lbfgs.zero_grad()
        loss = total(x, t)
        loss.backward()
        return loss

    for round_ in range(14):
        loss = lbfgs.step(closure)
        print(f"l-bfgs {round_} loss {loss.item():.6f} alpha {rod.log_alpha.exp().item():.4f}")
    xx, tt = torch.meshgrid(torch.linspace(0, 1, 50), torch.linspace(0, 0.5, 50), indexing="ij")
    with torch.no_grad():
        error = (rod(xx, tt) - exact(xx, tt)).norm() / exact(xx, tt).norm()
    print(f"alpha {rod.log_alpha.exp().item():.4f} (true {TRUE_ALPHA})")
    print(f"score: {1 - error.item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
