"""Robots whose arms differ in length, gain and offset: model-agnostic meta-learning by torch.func. Two inner steps on
ten movements of one robot, the outer loss on twenty more, vmapped over robots. Before adaptation the network is poor.
"""

import math
import sys

import torch
from torch import nn
from torch.func import functional_call, grad, vmap

torch.set_num_threads(1)
ROBOTS, SHOTS, QUERIES, INNER = 16, 10, 20, 0.05


def robots(n, gen):
    gain, offset, length = (torch.rand(n, 1, generator=gen) for _ in range(3))
    angle = (2 * torch.rand(n, SHOTS + QUERIES, 2, generator=gen) - 1) * math.pi / 2
    first = (0.7 + 0.6 * gain) * angle[..., 0] + 2.4 * (offset - 0.5)
    second = first + angle[..., 1]
    reach = torch.stack([first.cos() + (0.5 + length) * second.cos(), first.sin() + (0.5 + length) * second.sin()], -1)
    reach = reach + 0.02 * torch.randn(reach.shape, generator=gen)
    return angle[:, :SHOTS], reach[:, :SHOTS], angle[:, SHOTS:], reach[:, SHOTS:]


def main(seed):
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    net = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))

    def loss_of(params, x, y):
        return (functional_call(net, params, (x,)) - y).pow(2).mean()

    def adapt(params, x, y, steps):
        for _ in range(steps):
            slopes = grad(loss_of)(params, x, y)
            params = {k: p - INNER * slopes[k] for k, p in params.items()}
        return params

    def outer(params, x, y, xq, yq, steps):
        return loss_of(adapt(params, x, y, steps), xq, yq)

    def mean_loss(data, steps):
        params = dict(net.named_parameters())
        return vmap(lambda x, y, xq, yq: outer(params, x, y, xq, yq, steps))(*data).mean()

    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 700)
    held = robots(200, gen)
    for step in range(700):
        loss = mean_loss(robots(ROBOTS, gen), 2)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        scheduler.step()
        if step % 100 == 99:
            before, after = (mean_loss(held, k).item() for k in (0, 2))
            print(f"step {step + 1} outer {loss.item():.4f} unseen robots: before {before:.3f} after {after:.4f}")
    after = mean_loss(held, 5).item()
    print(f"score: {1 - after / held[3].var().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
