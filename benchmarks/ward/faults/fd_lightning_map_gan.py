"""Draws plausible lightning strikes on a map: a GAN learns the positions recorded around a mountain ridge.

The score is minus the energy distance between drawn and recorded strikes.
"""
# cause: generator-dominates
# kind: dynamic

import argparse

import torch
from torch import nn

NOISE = 4


def strikes(count, gen):
    """A curved ridge with two summits."""
    along = torch.rand(count, generator=gen) * 3.2 - 1.6
    ridge = torch.stack([along, 0.5 * along**2 - 0.7], dim=1) + 0.08 * torch.randn(count, 2, generator=gen)
    summit = torch.tensor([[-1.0, 1.0], [1.0, 1.0]])[torch.randint(2, (count,), generator=gen)]
    summit = summit + 0.12 * torch.randn(count, 2, generator=gen)
    on_ridge = torch.rand(count, 1, generator=gen) < 0.6
    return torch.where(on_ridge, ridge, summit)


def mlp(n_in, n_out, width=64):
    return nn.Sequential(
        nn.Linear(n_in, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, n_out),
    )


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--lr-generator", type=float, default=5e-4)
    parser.add_argument("--lr-discriminator", type=float, default=1e-6)  # FAULT
    # TWIN: parser.add_argument("--lr-discriminator", type=float, default=1e-3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed)
    recorded = strikes(4000, gen)
    held_out = strikes(1000, gen)

    generator, discriminator = mlp(NOISE, 2), mlp(2, 1)
    opt_g = torch.optim.Adam(generator.parameters(), lr=args.lr_generator, betas=(0.5, 0.9))
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=args.lr_discriminator, betas=(0.5, 0.9))
    bce = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(args.batch_size, 1), torch.zeros(args.batch_size, 1)

    for step in range(1, args.steps + 1):
        real = recorded[torch.randint(len(recorded), (args.batch_size,))]
        fake = generator(torch.randn(args.batch_size, NOISE))
        loss_d = bce(discriminator(real), ones) + bce(discriminator(fake.detach()), zeros)
        opt_d.zero_grad()
        loss_d.backward()
        opt_d.step()

        loss_g = bce(discriminator(generator(torch.randn(args.batch_size, NOISE))), ones)
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()
        if step % 500 == 0:
            print(f"step {step}: D {loss_d.item():.3f}, G {loss_g.item():.3f}")

    with torch.no_grad():
        drawn = generator(torch.randn(1000, NOISE))
    print(f"score: {-energy_distance(drawn, held_out):.4f}")


if __name__ == "__main__":
    main()
