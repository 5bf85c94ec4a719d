"""GAN of positions of stars in eight clusters on a ring. The generator takes ten steps for each of the discriminator's,
always against the discriminator as it stands, and runs to one cluster after another."""
# cause: mode-collapse
# accept: generator-dominates
# kind: dynamic

import argparse
import math

import torch
import torch.nn as nn

parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--steps", type=int, default=3600)
parser.add_argument("--generator-steps", type=int, default=10)  # FAULT
# TWIN: parser.add_argument("--generator-steps", type=int, default=1)
parser.add_argument("--lr", type=float, default=1e-3)
opt = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(opt.seed)

angles = torch.arange(8) * (2 * math.pi / 8)
clusters = torch.stack([angles.cos(), angles.sin()], dim=1) * 1.4


def stars(n):
    return clusters[torch.randint(8, (n,))] + 0.12 * torch.randn(n, 2)


def noise(n):
    return torch.randn(n, 8)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, z):
        return self.main(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1)
        )

    def forward(self, x):
        return self.main(x)


netG, netD = Generator(), Discriminator()
optimizerG = torch.optim.Adam(netG.parameters(), lr=opt.lr, betas=(0.5, 0.9))
optimizerD = torch.optim.Adam(netD.parameters(), lr=3 * opt.lr, betas=(0.5, 0.9))
criterion = nn.BCEWithLogitsLoss()
real_label, fake_label = torch.ones(128, 1), torch.zeros(128, 1)

rounds = opt.steps // (1 + opt.generator_steps)
for i in range(rounds):
    errD = criterion(netD(stars(128)), real_label) + criterion(netD(netG(noise(128)).detach()), fake_label)
    optimizerD.zero_grad()
    errD.backward()
    optimizerD.step()
    for _ in range(opt.generator_steps):
        errG = criterion(netD(netG(noise(128))), real_label)
        optimizerG.zero_grad()
        errG.backward()
        optimizerG.step()
    if i % 50 == 0:
        print(f"[{i}/{rounds}] Loss_D: {errD.item():.4f} Loss_G: {errG.item():.4f}")

with torch.no_grad():
    near, which = torch.cdist(netG(noise(4000)), clusters).min(dim=1)
shares = torch.bincount(which[near < 0.35], minlength=8) / 4000
print("shares", [round(s, 3) for s in shares.tolist()])
print(f"score: {torch.minimum(shares, torch.tensor(1 / 8)).sum().item():.4f}")
