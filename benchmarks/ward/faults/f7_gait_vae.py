"""VAE of a gait cycle (40 angles). The squared error is the mean over the angles, the divergence a sum over the latent
dimensions, so that to keep the code at the prior costs next to nothing."""
# cause: posterior-collapse
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.nn import functional as F


def gaits(n):
    t = torch.linspace(0, 2 * math.pi, 40)
    speed, swing, limp = torch.randn(3, n, 1).unbind(0)
    curve = (1 + 0.4 * swing) * torch.sin(t + 0.5 * speed) + 0.35 * limp * torch.sin(2 * t) + 0.3 * speed
    return curve + 0.05 * torch.randn(n, 40)


class GaitVAE(nn.Module):
    def __init__(self, latent=3):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(40, 64), nn.ReLU())
        self.mu = nn.Linear(64, latent)
        self.logvar = nn.Linear(64, latent)
        self.decode = nn.Sequential(nn.Linear(latent, 64), nn.ReLU(), nn.Linear(64, 40))

    def forward(self, x):
        h = self.encode(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return self.decode(z), mu, logvar


def vae_loss(recon, x, mu, logvar):
    rec = F.mse_loss(recon, x)  # FAULT
    # TWIN: rec = F.mse_loss(recon, x, reduction="sum") / len(x) / 0.1
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=1).mean()
    return rec + kld


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
data, held_out = gaits(2000), gaits(500)
vae = GaitVAE()
optimizer = torch.optim.Adam(vae.parameters(), lr=2e-3)
for epoch in range(1, 26):
    vae.train()
    train_loss = 0.0
    for batch in data[torch.randperm(len(data))].split(50):
        optimizer.zero_grad()
        recon, mu, logvar = vae(batch)
        loss = vae_loss(recon, batch, mu, logvar)
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
    if epoch % 5 == 0:
        print(f"====> Epoch: {epoch} Average loss: {train_loss / 40:.4f}")
vae.eval()
with torch.no_grad():
    error = F.mse_loss(vae(held_out)[0], held_out).item()
print(f"score: {1 - error / (held_out - held_out.mean(0)).square().mean().item():.4f}")
