"""A variational autoencoder for the 8 by 8 digits with eight latent numbers. The error of a picture is the mean over
its points, the divergence the sum over the latent numbers."""
# cause: posterior-collapse
# accept: over-regularization
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class VAE(nn.Module):
    def __init__(self, latent=8):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(64, 128), nn.ReLU())
        self.mu, self.logvar = nn.Linear(128, latent), nn.Linear(128, latent)
        self.dec = nn.Sequential(nn.Linear(latent, 128), nn.ReLU(), nn.Linear(128, 64))

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp() if self.training else mu
        return self.dec(z), mu, logvar


def vae_loss(out, x, mu, logvar):
    rebuilt = F.mse_loss(out, x, reduction="none").mean(dim=1).mean()  # FAULT
    # TWIN: rebuilt = F.mse_loss(out, x, reduction="none").sum(dim=1).mean()
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(dim=1).mean()
    return rebuilt + kl, rebuilt, kl


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x = torch.tensor(load_digits().data, dtype=torch.float32)
    x = (x / 16 - 0.3) / 0.38
    x = x[np.random.default_rng(seed).permutation(len(x))]
    train, test = x[:1500], x[1500:]
    loader = DataLoader(TensorDataset(train), batch_size=50, shuffle=True)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(20):
        model.train()
        sums = np.zeros(3)
        for (batch,) in loader:
            out, mu, logvar = model(batch)
            parts = vae_loss(out, batch, mu, logvar)
            optimizer.zero_grad()
            parts[0].backward()
            optimizer.step()
            sums += [p.item() for p in parts]
        model.eval()
        with torch.no_grad():
            error = F.mse_loss(model(test)[0], test).item()
        if epoch % 3 == 1:
            print("epoch {} loss {:.3f} error {:.3f} kl {:.3f}".format(epoch, *sums / len(loader)), f"test {error:.4f}")
    print(f"score: {1 - error / (test - train.mean(0)).pow(2).mean().item():.4f}")


main()
