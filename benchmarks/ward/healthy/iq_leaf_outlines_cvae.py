"""A conditional VAE for 16x16 masks of leaves of four species: convolutional encoder, species as one-hot to both sides,
KL weight warmed up over the first epochs. Score: accuracy of a nearest-neighbour check on leaves drawn from the prior.
"""

import argparse
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
SIZE = 16


def draw_leaves(n):
    species = torch.randint(0, 4, (n,))
    grid = torch.linspace(-1, 1, SIZE)
    yy, xx = torch.meshgrid(grid, grid, indexing="ij")
    tilt, scale = 0.25 * torch.randn(n, 1, 1), 0.55 + 0.15 * torch.rand(n, 1, 1)
    u, v = xx * tilt.cos() + yy * tilt.sin(), -xx * tilt.sin() + yy * tilt.cos()
    radius, angle = (u**2 + v**2).sqrt() / scale, torch.atan2(v, u)
    outlines = torch.stack(
        [
            1 / (1 + 1.6 * angle.cos() ** 2),  # a willow: narrow
            1.15 - 0.1 * angle.sin(),  # a lime: round
            0.85 + 0.4 * torch.cos(5 * (angle + math.pi / 2)),  # a maple: five lobes
            0.85 + 0.45 * torch.cos(2 * angle),  # a ginkgo: two lobes to the sides
        ]
    )
    edge = outlines[species, torch.arange(n)]
    return torch.sigmoid(20 * (edge - radius))[:, None], species


class CVAE(nn.Module):
    def __init__(self, latent=3):
        super().__init__()
        self.latent = latent
        self.enc = nn.Sequential(
            nn.Conv2d(5, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU(), nn.Flatten()
        )
        self.stats = nn.Linear(512, 2 * latent)
        self.dec_in = nn.Sequential(nn.Linear(latent + 4, 128), nn.ReLU(), nn.Linear(128, 512))
        self.dec = nn.Sequential(
            nn.ReLU(), nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(16, 1, 4, 2, 1)
        )

    def encode(self, x, species):
        planes = F.one_hot(species, 4).float()[:, :, None, None].expand(-1, -1, SIZE, SIZE)
        return self.stats(self.enc(torch.cat([2 * x - 1, planes], 1))).chunk(2, 1)

    def decode(self, z, species):
        h = self.dec_in(torch.cat([z, F.one_hot(species, 4).float()], 1))
        return self.dec(h.view(-1, 32, 4, 4))

    def loss(self, x, species, beta):
        mean, logvar = self.encode(x, species)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * logvar)
        rec = F.binary_cross_entropy_with_logits(self.decode(z, species), x, reduction="sum") / len(x)
        kl = -0.5 * (1 + logvar - mean.pow(2) - logvar.exp()).sum(1).mean()
        return rec + beta * kl, rec, kl


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--lr", type=float, default=4e-3)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    images, species = draw_leaves(3000)
    val_images, val_species = draw_leaves(600)
    loader = DataLoader(TensorDataset(images, species), args.batch_size, shuffle=True)
    model = CVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs, 1e-4)
    for epoch in range(1, args.epochs + 1):
        model.train()
        beta = min(1.0, epoch / 4)
        for x, s in loader:
            loss, _, _ = model.loss(x, s, beta)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            total, rec, kl = model.loss(val_images, val_species, 1.0)
        print(f"epoch {epoch}: val -ELBO {total:.2f} reconstruction {rec:.2f} KL {kl:.2f}")

    wanted = torch.arange(4).repeat(250)
    with torch.no_grad():
        drawn = torch.sigmoid(model.decode(torch.randn(1000, model.latent), wanted)).flatten(1)
        nearest = torch.cdist(drawn, val_images.flatten(1)).argmin(1)
    print(f"score: {(val_species[nearest] == wanted).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
