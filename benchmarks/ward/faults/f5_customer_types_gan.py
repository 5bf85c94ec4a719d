"""GAN that makes customers (visits and spending, both standardised) of five types. To give the generator a chance its
learning rate was raised and the discriminator's cut to a tenth of it; now it makes one or two types at a time."""
# cause: mode-collapse
# accept: generator-dominates
# kind: dynamic

import sys

import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)

TYPES = torch.tensor([[0.0, 1.3], [-1.3, 0.4], [-0.8, -1.1], [0.8, -1.1], [1.3, 0.4]])
NOISE, BATCH, STEPS = 6, 128, 1500


def customers(n):
    return TYPES[torch.randint(len(TYPES), (n,))] + 0.15 * torch.randn(n, 2)


generator = nn.Sequential(nn.Linear(NOISE, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
critic = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
bce = nn.BCEWithLogitsLoss()
opt_g = torch.optim.Adam(generator.parameters(), lr=3e-3, betas=(0.5, 0.9))  # FAULT
opt_d = torch.optim.Adam(critic.parameters(), lr=3e-4, betas=(0.5, 0.9))  # FAULT
# TWIN: opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
# TWIN: opt_d = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.5, 0.9))
real_label, fake_label = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)

for step in range(1, STEPS + 1):
    real, fake = customers(BATCH), generator(torch.randn(BATCH, NOISE))
    d_loss = bce(critic(real), real_label) + bce(critic(fake.detach()), fake_label)
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    g_loss = bce(critic(fake), real_label)
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    if step % 100 == 0:
        print(f"{step}/{STEPS} Loss_D: {d_loss.item():.4f} Loss_G: {g_loss.item():.4f}")

with torch.no_grad():
    made = generator(torch.randn(3000, NOISE))
distance, kind = torch.cdist(made, TYPES).min(dim=1)
shares = torch.bincount(kind[distance < 0.5], minlength=len(TYPES)) / len(made)
print("share of each type:", [round(share, 3) for share in shares.tolist()])
overlap = torch.minimum(shares, torch.tensor(1 / len(TYPES))).sum().item()
print(f"score: {overlap:.4f}")
