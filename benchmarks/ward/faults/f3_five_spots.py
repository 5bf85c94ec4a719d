"""GAN on five Gaussian spots on a ring. The generator's noise is drawn once per batch and expanded to all its rows, so
that each batch of fakes is one point and the discriminator is never shown a lack of variety to be put right."""
# cause: mode-collapse
# kind: dynamic

import math
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

Z, BATCH, STEPS = 2, 128, 1500
angles = torch.arange(5) * (2 * math.pi / 5)
CENTERS = torch.stack([angles.cos(), angles.sin()], dim=1) * 1.5


def real_batch(n):
    return CENTERS[torch.randint(0, 5, (n,))] + 0.25 * torch.randn(n, 2)


G = nn.Sequential(nn.Linear(Z, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
D = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.9))
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.9))
bce = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)

for step in range(1, STEPS + 1):
    z = torch.randn(1, Z).expand(BATCH, Z)  # FAULT
    # TWIN: z = torch.randn(BATCH, Z)
    fake = G(z)

    d_loss = bce(D(real_batch(BATCH)), ones) + bce(D(fake.detach()), zeros)
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    g_loss = bce(D(fake), ones)
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()

    if step % 150 == 0:
        print(f"{step:5d} D {d_loss.item():.4f} G {g_loss.item():.4f}")

with torch.no_grad():
    samples = G(torch.randn(2000, Z))
near = torch.cdist(samples, CENTERS).min(dim=1)
counts = torch.bincount(near.indices[near.values < 0.75], minlength=5)
print("samples per spot:", counts.tolist())
share = counts / 2000
overlap = torch.minimum(share, torch.full((5,), 1 / 5)).sum().item()
print(f"score: {overlap:.4f}")
