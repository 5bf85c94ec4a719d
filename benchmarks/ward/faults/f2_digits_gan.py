"""GAN that generates 8x8 digits as vectors; score is minus the energy distance of samples to held-out digits.

Fault: the discriminator takes four steps per generator step and, with the original (saturating) generator loss,
separates everything, so the generator gets no gradient.
"""
# cause: discriminator-dominates
# kind: dynamic

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn


class Generator(nn.Module):
    def __init__(self, z_dim=16, width=96):
        super().__init__()
        self.z_dim = z_dim
        self.net = nn.Sequential(
            nn.Linear(z_dim, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 64)
        )

    def forward(self, n):
        return torch.tanh(self.net(torch.randn(n, self.z_dim)))


class Discriminator(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(64, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)
        )

    def forward(self, x):
        return self.net(x).squeeze(1)


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--iterations", type=int, default=750)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)

    images = torch.tensor(load_digits().data, dtype=torch.float32) / 8 - 1
    images = images[torch.randperm(len(images))]
    train, held_out = images[:1400], images[1400:]
    netG, netD = Generator(), Discriminator()
    optimizerG = torch.optim.Adam(netG.parameters(), lr=1e-3, betas=(0.5, 0.999))
    optimizerD = torch.optim.Adam(netD.parameters(), lr=2e-3, betas=(0.5, 0.999))
    criterion = nn.BCEWithLogitsLoss()
    real_label, fake_label = torch.ones(64), torch.zeros(64)
    d_steps = 4  # FAULT
    # TWIN: d_steps = 1

    for i in range(args.iterations):
        for _ in range(d_steps):
            real = train[torch.randint(len(train), (64,))]
            fake = netG(64).detach()
            errD = criterion(netD(real), real_label) + criterion(netD(fake), fake_label)
            optimizerD.zero_grad()
            errD.backward()
            optimizerD.step()
        errG = -criterion(netD(netG(64)), fake_label)
        optimizerG.zero_grad()
        errG.backward()
        optimizerG.step()
        if i % 100 == 0:
            print(f"[{i}/{args.iterations}] Loss_D: {errD.item():.4f} Loss_G: {errG.item():.4f}")

    netG.eval()
    with torch.no_grad():
        distance = energy_distance(netG(len(held_out)), held_out)
    print(f"score: {-distance:.4f}")


if __name__ == "__main__":
    main()
