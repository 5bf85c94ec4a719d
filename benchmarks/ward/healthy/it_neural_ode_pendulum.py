"""Neural ODE on a damped pendulum: a network for the vector field, integrated with a small fixed-step RK4 solver, fitted to short
noisy segments of trajectories and tested by long roll-outs from unseen starting points.

After ode_demo.py of https://github.com/rtqichen/torchdiffeq
"""

import sys

import torch
import torch.nn as nn

DT = 0.1


def odeint_rk4(func, y0, n_steps, dt=DT):
    ys, y = [y0], y0
    for _ in range(n_steps):
        k1 = func(y)
        k2 = func(y + 0.5 * dt * k1)
        k3 = func(y + 0.5 * dt * k2)
        k4 = func(y + dt * k3)
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        ys.append(y)
    return torch.stack(ys)


def true_field(y):
    angle, speed = y.unbind(-1)
    return torch.stack([speed, -2.0 * torch.sin(angle) - 0.15 * speed], dim=-1)


class ODEFunc(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 50), nn.Tanh(), nn.Linear(50, 50), nn.Tanh(), nn.Linear(50, 2))
        for m in self.net.modules():
            if isinstance(m, nn.Linear):
                nn.init.xavier_normal_(m.weight)
                nn.init.zeros_(m.bias)

    def forward(self, y):
        return self.net(y)


class RunningAverageMeter:
    def __init__(self, momentum=0.97):
        self.momentum, self.avg = momentum, None

    def update(self, val):
        self.avg = val if self.avg is None else self.avg * self.momentum + val * (1 - self.momentum)


def starting_points(n, generator):
    angle = torch.rand(n, generator=generator) * 6.2832
    radius = 0.8 + 1.2 * torch.rand(n, generator=generator)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


def get_batch(observed, generator, batch_size=64, batch_time=8):
    T, n, _ = observed.shape
    start = torch.randint(0, T - batch_time, (batch_size,), generator=generator)
    which = torch.randint(0, n, (batch_size,), generator=generator)
    batch_y = torch.stack([observed[start + i, which] for i in range(batch_time + 1)])
    return batch_y[0], batch_y


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        observed = odeint_rk4(true_field, starting_points(20, generator), 100)
        observed = observed + 0.005 * torch.randn(observed.shape, generator=generator)
        test = odeint_rk4(true_field, starting_points(30, generator), 60)

    func = ODEFunc()
    niters = 400
    optimizer = torch.optim.Adam(func.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, niters, eta_min=1e-4)
    meter = RunningAverageMeter()
    for itr in range(1, niters + 1):
        optimizer.zero_grad()
        y0, batch_y = get_batch(observed, generator)
        pred_y = odeint_rk4(func, y0, len(batch_y) - 1)
        loss = torch.mean(torch.abs(pred_y - batch_y))
        loss.backward()
        optimizer.step()
        scheduler.step()
        meter.update(loss.item())
        if itr % 50 == 0:
            with torch.no_grad():
                total = torch.mean(torch.abs(odeint_rk4(func, test[0], 60) - test)).item()
            print(f"Iter {itr:04d} | batch loss {meter.avg:.5f} | roll-out loss {total:.5f}")

    with torch.no_grad():
        pred = odeint_rk4(func, test[0], 60)
    r2 = 1 - ((pred - test) ** 2).mean() / ((test - test.mean(dim=(0, 1))) ** 2).mean()
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
