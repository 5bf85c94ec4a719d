"""Variational autoencoder for digits; score is minus the mean squared reconstruction error on held-out images.

Fault: the reconstruction term is a mean over the pixels while the KL term is summed, so the KL weighs 64 times more.
"""
# cause: posterior-collapse
# kind: dynamic

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader


class VAE(nn.Module):
    def __init__(self, latent=8):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.fc_mu = nn.Linear(64, latent)
        self.fc_logvar = nn.Linear(64, latent)
        self.dec = nn.Sequential(nn.Linear(latent, 64), nn.ReLU(), nn.Linear(64, 64))

    def encode(self, x):
        h = self.enc(x)
        return self.fc_mu(h), self.fc_logvar(h)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + std * torch.randn_like(std)

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return torch.sigmoid(self.dec(z)), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    bce = F.binary_cross_entropy(recon_x, x)  # FAULT
    # TWIN: bce = F.binary_cross_entropy(recon_x, x, reduction="none").sum(dim=1).mean()
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=1).mean()
    return bce + kld, bce.item(), kld.item()


parser = argparse.ArgumentParser()
parser.add_argument("seed", nargs="?", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
torch.set_num_threads(1)

images = torch.tensor(load_digits().data, dtype=torch.float32) / 16.0
images = images[torch.randperm(len(images))]
train_loader = DataLoader(images[:1400], batch_size=50, shuffle=True)
held_out = images[1400:]

model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(25):
    model.train()
    totals = torch.zeros(3)
    for batch in train_loader:
        optimizer.zero_grad()
        recon, mu, logvar = model(batch)
        loss, rec, kl = loss_function(recon, batch, mu, logvar)
        loss.backward()
        optimizer.step()
        totals += torch.tensor([loss.item(), rec, kl]) / len(train_loader)
    if epoch % 3 == 0:
        print("====> Epoch: {} loss {:.4f} recon {:.4f} kl {:.4f}".format(epoch, *totals.tolist()))

model.eval()
with torch.no_grad():
    recon, _, _ = model(held_out)
    error = F.mse_loss(recon, held_out).item()
print(f"score: {-error:.5f}")
