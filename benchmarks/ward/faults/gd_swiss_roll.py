"""Learns a two-dimensional Swiss roll with a Wasserstein GAN; scored by sliced Wasserstein distance.

After the toy experiments of improved_wgan_training (https://github.com/igul222/improved_wgan_training) and
PyTorch-GAN (https://github.com/eriklindernoren/PyTorch-GAN).
"""
# cause: oscillating-players
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import make_swiss_roll

LAMBDA, CRITIC_ITERS, BATCH = 0.1, 3, 256


def swiss_roll(n, seed):
    data = make_swiss_roll(n, noise=0.25, random_state=seed)[0][:, [0, 2]]
    return torch.tensor(data / 7.5, dtype=torch.float32)


def mlp(n_in, n_out, hidden=64):
    return nn.Sequential(
        nn.Linear(n_in, hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, n_out),
    )


def gradient_penalty(critic, real, fake):
    alpha = torch.rand(len(real), 1)
    mixed = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    grad = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)[0]
    return ((grad.norm(2, dim=1) - 1) ** 2).mean()


def sliced_wasserstein(a, b, projections=100):
    directions = torch.randn(2, projections, generator=torch.Generator().manual_seed(0))
    directions = directions / directions.norm(dim=0)
    return ((a @ directions).sort(0).values - (b @ directions).sort(0).values).abs().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    real_data, held_out = swiss_roll(4000, seed), swiss_roll(1000, seed + 1000)
    netG, netD = mlp(2, 2), mlp(2, 1)
    optG = torch.optim.Adam(netG.parameters(), lr=2e-3, betas=(0.5, 0.9))
    optD = torch.optim.Adam(netD.parameters(), lr=2e-3, betas=(0.5, 0.9))
    schedules = [torch.optim.lr_scheduler.LambdaLR(o, lambda i: 1 - 0.9 * i / 340) for o in (optG, optD)]

    def batches():
        while True:
            for idx in torch.randperm(len(real_data)).split(BATCH):
                if len(idx) == BATCH:
                    yield real_data[idx]

    def distance():
        with torch.no_grad():
            return sliced_wasserstein(netG(torch.randn(len(held_out), 2)), held_out)

    data = batches()
    print(
        f"start: distance {distance():.4f}; two real samples: "
        f"{sliced_wasserstein(swiss_roll(1000, seed + 2000), held_out):.4f}; Gaussian of the same moments: "
        f"{sliced_wasserstein(torch.randn(1000, 2) * real_data.std(0) + real_data.mean(0), held_out):.4f}"
    )
    for iteration in range(340):
        for _ in range(CRITIC_ITERS):
            real = next(data)
            with torch.no_grad():
                fake = netG(torch.randn(BATCH, 2))
            wasserstein = netD(real).mean() - netD(fake).mean()
            d_loss = -wasserstein  # FAULT
            # TWIN: d_loss = -wasserstein + LAMBDA * gradient_penalty(netD, real, fake)
            optD.zero_grad()
            d_loss.backward()
            optD.step()
        g_loss = -netD(netG(torch.randn(BATCH, 2))).mean()
        optG.zero_grad()
        g_loss.backward()
        optG.step()
        for schedule in schedules:
            schedule.step()
        if iteration % 40 == 39:
            print(
                f"iteration {iteration + 1}: wasserstein {wasserstein.item():.4f} D cost {d_loss.item():.4f} "
                f"G cost {g_loss.item():.4f} distance {distance():.4f}"
            )
    print(f"score: {-distance():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
