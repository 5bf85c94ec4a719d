"""MAML on sine waves: an initialisation from which one gradient step on ten points fits a new wave.

After Finn et al. (2017) and its reimplementation https://github.com/vmikulik/maml-pytorch, here with torch.func.
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call, grad, vmap

K, INNER_LR = 10, 0.01


class SineModel(nn.Module):
    def __init__(self, width=40):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(1, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1)
        )

    def forward(self, x):
        return self.net(x)


def sample_tasks(n, gen, k=K):
    """Support and query points of n waves: amplitude in [0.1, 5], phase in [0, pi], x in [-5, 5]."""
    amplitude = 0.1 + 4.9 * torch.rand(n, 1, 1, generator=gen)
    phase = math.pi * torch.rand(n, 1, 1, generator=gen)
    x = 10 * torch.rand(n, 2 * k, 1, generator=gen) - 5
    y = amplitude * torch.sin(x + phase)
    return x[:, :k], y[:, :k], x[:, k:], y[:, k:]


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    model = SineModel()

    def loss_fn(params, x, y):
        return F.mse_loss(functional_call(model, params, (x,)), y)

    def adapt(params, x, y, steps):
        for _ in range(steps):
            grads = grad(loss_fn)(params, x, y)
            params = {name: p - INNER_LR * grads[name] for name, p in params.items()}
        return params

    def query_loss(params, xs, ys, xq, yq, steps):
        return loss_fn(adapt(params, xs, ys, steps), xq, yq)

    meta_optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(meta_optimizer, T_max=1000, eta_min=3e-4)
    running = None
    for iteration in range(1, 1001):
        tasks = sample_tasks(16, gen)
        params = dict(model.named_parameters())
        losses = vmap(query_loss, in_dims=(None, 0, 0, 0, 0, None))(params, *tasks, 1)
        meta_loss = losses.mean()
        meta_optimizer.zero_grad()
        meta_loss.backward()
        meta_optimizer.step()
        scheduler.step()
        running = meta_loss.item() if running is None else 0.98 * running + 0.02 * meta_loss.item()
        if iteration % 100 == 0:
            print(f"iteration {iteration:4d}  meta loss {running:.3f}")

    # New waves, never met in training: error after 0, 1, 5 and 10 steps.
    tasks = sample_tasks(300, torch.Generator().manual_seed(seed + 7_777))
    params = {name: p.detach() for name, p in model.named_parameters()}
    variance = tasks[3].var().item()
    for steps in (0, 1, 5, 10):
        mse = vmap(query_loss, in_dims=(None, 0, 0, 0, 0, None))(params, *tasks, steps).mean().item()
        print(f"{steps:2d} steps: mse {mse:.3f}")
    print(f"score: {1 - mse / variance:.4f}")  # explained variance after ten steps


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
