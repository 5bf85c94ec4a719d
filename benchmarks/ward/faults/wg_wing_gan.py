"""Wing-beat curves of insects with a GAN: the players come from a builder together with their optimizers."""
# cause: oscillating-players
# accept: mode-collapse
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.nn import functional as F

POINTS, Z = 8, 4


def curves(n):
    phase = torch.rand(n, 1) * 2 * math.pi
    base = torch.tensor([-0.8] * 4 + [0.8] * 4)
    return base + 0.3 * torch.sin(phase + 2 * torch.linspace(-1, 1, POINTS)) + 0.09 * torch.randn(n, POINTS)


def network(n_in, n_out, width=32):
    return nn.Sequential(
        nn.Linear(n_in, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, n_out)
    )


def player(n_in, n_out, lr=2e-3, **options):
    net = network(n_in, n_out)
    return net, torch.optim.Adam(net.parameters(), lr=lr, **options)


def adversarial(judge, x, real):
    logits = judge(x)
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(real)))


def energy(a, b):
    within = torch.cdist(b, b).mean()
    return ((2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - within) / within).item()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    betas = (0.9, 0.999)  # FAULT
    # TWIN: betas = (0.0, 0.99)
    maker, maker_opt = player(Z, POINTS, betas=betas)
    judge, judge_opt = player(POINTS, 1, betas=betas)
    schedules = [torch.optim.lr_scheduler.ExponentialLR(each, 0.94) for each in (maker_opt, judge_opt)]
    data, held_out, distances = curves(4096), curves(800), []
    for epoch in range(24):
        for rows in torch.randperm(len(data)).split(64):
            real, fake = data[rows], maker(torch.randn(len(rows), Z))
            judge_loss = adversarial(judge, real, True) + adversarial(judge, fake.detach(), False)
            judge_opt.zero_grad()
            judge_loss.backward()
            judge_opt.step()
            maker_loss = adversarial(judge, fake, True)
            maker_opt.zero_grad()
            maker_loss.backward()
            maker_opt.step()
        for each in schedules:
            each.step()
        with torch.no_grad():
            distances.append(energy(maker(torch.randn(800, Z)), held_out))
        print(f"{epoch:2d} judge {judge_loss.item():.3f} maker {maker_loss.item():.3f} {distances[-1]:.3f}")
    print(f"score: {-sum(distances[-8:]) / 8:.4f}")


main()
