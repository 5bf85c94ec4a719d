"""Makes pairs of (temperature, dew point) like those of four valleys, with a small GAN.

In the first version the critic won at once; the critic's turn now comes less often.
"""
# cause: generator-dominates
# accept: mode-collapse
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
STEPS, BATCH, LATENT = 2000, 128, 8
torch.set_num_threads(1)
torch.manual_seed(SEED)

CENTRES = torch.tensor([[-1.2, -0.9], [1.1, -1.1], [-0.8, 1.2], [1.2, 0.9]])


def observe(n):
    """Standardised readings of four valleys, each with a slanted cloud of its own."""
    noise = torch.randn(n, 2) * 0.35
    noise[:, 1] += 0.6 * noise[:, 0]
    return CENTRES[torch.randint(4, (n,))] + noise


def mlp(n_in, n_out, hidden=64):
    return nn.Sequential(
        nn.Linear(n_in, hidden),
        nn.LeakyReLU(0.2),
        nn.Linear(hidden, hidden),
        nn.LeakyReLU(0.2),
        nn.Linear(hidden, n_out),
    )


class SoftLimit(nn.Module):
    """Nothing was ever measured beyond three standard deviations."""

    def forward(self, x):
        return 3 * torch.tanh(x / 3)


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


generator = nn.Sequential(mlp(LATENT, 2), SoftLimit())
critic = mlp(2, 1)
g_optimizer = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
d_optimizer = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.5, 0.9))
critic_every = 50  # FAULT
# TWIN: critic_every = 1
decay = [torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS, eta_min=1e-5) for o in (g_optimizer, d_optimizer)]
bce = nn.BCEWithLogitsLoss()
real_label, made_label = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)

for step in range(1, STEPS + 1):
    real = observe(BATCH)
    made = generator(torch.randn(BATCH, LATENT))

    if step == 1 or step % critic_every == 0:
        d_loss = bce(critic(real), real_label) + bce(critic(made.detach()), made_label)
        d_optimizer.zero_grad()
        d_loss.backward()
        d_optimizer.step()

    g_loss = bce(critic(made), real_label)
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    for schedule in decay:
        schedule.step()

    if step % 250 == 0:
        with torch.no_grad():
            distance = energy_distance(generator(torch.randn(1000, LATENT)), observe(1000))
        print(f"step {step}: critic {d_loss.item():.3f}  generator {g_loss.item():.3f}  distance {distance:.4f}")

with torch.no_grad():
    distance = np.mean([energy_distance(generator(torch.randn(1000, LATENT)), observe(1000)) for _ in range(5)])
print(f"score: {-distance:.4f}")
