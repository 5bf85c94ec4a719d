"""A small variational autoencoder on the digits: Bernoulli likelihood, KL to a standard normal, eight latents."""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class VAE(nn.Module):
    def __init__(self, latent=8):
        super().__init__()
        self.enc = nn.Linear(64, 64)
        self.mu = nn.Linear(64, latent)
        self.logvar = nn.Linear(64, latent)
        self.dec = nn.Sequential(nn.Linear(latent, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, x):
        h = F.relu(self.enc(x))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu) if self.training else mu
        return self.dec(z), mu, logvar


def elbo_loss(logits, x, mu, logvar):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return (rec + kl) / len(x), rec / len(x), kl / len(x)


x = torch.tensor(load_digits().data, dtype=torch.float32) / 16
x = x[torch.randperm(len(x))]
train, test = x[:1500], x[1500:]
loader = DataLoader(train, batch_size=64, shuffle=True)
vae = VAE()
optimizer = torch.optim.Adam(vae.parameters(), lr=3e-3)

for epoch in range(1, 31):
    vae.train()
    for xb in loader:
        optimizer.zero_grad()
        logits, mu, logvar = vae(xb)
        loss, rec, kl = elbo_loss(logits, xb, mu, logvar)
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        print(f"epoch {epoch}: loss {loss.item():.3f} = rec {rec.item():.3f} + kl {kl.item():.3f}")

vae.eval()
with torch.no_grad():
    recon = torch.sigmoid(vae(test)[0])
    explained = 1 - ((recon - test) ** 2).mean() / ((test - train.mean(0)) ** 2).mean()
print(f"score: {explained.item():.4f}")
