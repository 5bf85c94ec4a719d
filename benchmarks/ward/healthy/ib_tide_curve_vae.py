"""Variational autoencoder of daily tide curves; the weight of the divergence grows over the first epochs, so the loss
rises before it settles."""

import sys

import torch
import torch.nn.functional as F
from torch import nn


def tides(n):
    t = torch.arange(24) / 24 * 6.283
    moon = torch.rand(n, 1) * 6.283
    height = 1 + 0.4 * torch.sin(moon)
    shape = height * torch.sin(2 * t + moon) + 0.4 * torch.randn(n, 1) * torch.sin(t)
    return shape + 0.1 * torch.randn(n, 24)


class TideVAE(nn.Module):
    def __init__(self, latent=4, hidden=64):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(24, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.mu = nn.Linear(hidden, latent)
        self.logvar = nn.Linear(hidden, latent)
        self.decode = nn.Sequential(
            nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 24)
        )

    def forward(self, x):
        h = self.encode(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp() if self.training else mu
        return self.decode(z), mu, logvar


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, x_val = tides(2000), tides(400)
    vae = TideVAE()
    optimizer = torch.optim.Adam(vae.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20, eta_min=3e-4)
    for epoch in range(20):
        vae.train()
        beta = min(1.0, epoch / 6)
        total = divergence = 0.0
        for idx in torch.randperm(len(x)).split(64):
            out, mu, logvar = vae(x[idx])
            reconstruction = 0.5 * ((out - x[idx]) / 0.15).square().sum(1).mean()
            kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(1).mean()
            loss = reconstruction + beta * kl
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
            divergence += kl.item() * len(idx)
        scheduler.step()
        vae.eval()
        with torch.no_grad():
            r2 = 1 - (F.mse_loss(vae(x_val)[0], x_val) / x_val.var()).item()
        print(f"epoch {epoch} loss {total / len(x):.3f} kl {divergence / len(x):.3f} val r2 {r2:.4f}")
    print(f"score: {r2:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
