"""A GAN that makes synthetic customer records (age, income, spending score) for sharing in place of the real table,
which has nine clear segments.
"""
# cause: mode-collapse
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

SEGMENTS, LATENT, BATCH = 9, 16, 128


def customer_table(g, n=6000):
    """Standardized columns; segments in a loose 3 x 3 arrangement of age and income."""
    a, b = torch.meshgrid(torch.tensor([-1.2, 0.0, 1.2]), torch.tensor([-1.2, 0.0, 1.2]), indexing="ij")
    centres = torch.stack([a.flatten(), b.flatten(), 0.6 * (a * b).flatten()], 1)
    centres = centres + 0.1 * torch.randn(centres.shape, generator=g)
    segment = torch.randint(0, SEGMENTS, (n,), generator=g)
    return centres[segment] + 0.08 * torch.randn(n, 3, generator=g), centres


def mlp(n_in, n_out, act, width=96):
    return nn.Sequential(nn.Linear(n_in, width), act, nn.Linear(width, width), act, nn.Linear(width, n_out))


@torch.no_grad()
def segment_report(generator, centres, n=3000):
    """Share of good rows, and how evenly they cover the segments (exp of the entropy / number of segments)."""
    rows = generator(torch.randn(n, LATENT))
    distance, nearest = torch.cdist(rows, centres).min(dim=1)
    good = distance < 0.32
    share = torch.bincount(nearest[good], minlength=SEGMENTS).float()
    share = share / share.sum().clamp(min=1)
    coverage = torch.special.entr(share).sum().exp().item() / SEGMENTS if good.any() else 0.0
    return good.float().mean().item(), coverage, int((share > 0.02).sum())


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    table, centres = customer_table(torch.Generator().manual_seed(seed))

    generator = mlp(LATENT, 3, nn.Tanh())
    judge = mlp(3, 1, nn.LeakyReLU(0.2))
    opt_g = torch.optim.Adam(generator.parameters(), lr=2e-3)  # FAULT
    opt_d = torch.optim.Adam(judge.parameters(), lr=2e-3)  # FAULT
    # TWIN: opt_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
    # TWIN: opt_d = torch.optim.Adam(judge.parameters(), lr=2e-3, betas=(0.5, 0.999))

    for step in range(1, 751):
        real = table[torch.randint(0, len(table), (BATCH,))]
        fake = generator(torch.randn(BATCH, LATENT))

        loss_d = F.softplus(-judge(real)).mean() + F.softplus(judge(fake.detach())).mean()
        opt_d.zero_grad()
        loss_d.backward()
        opt_d.step()

        loss_g = F.softplus(-judge(fake)).mean()
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()

        if step % 125 == 0:
            good, coverage, found = segment_report(generator, centres)
            print(
                f"step {step:4d}  D {loss_d.item():.3f}  G {loss_g.item():.3f}"
                f"  plausible rows {good:.2f}  segments {found}/{SEGMENTS}"
            )

    good, coverage, _ = segment_report(generator, centres)
    print(f"score: {good * coverage:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
