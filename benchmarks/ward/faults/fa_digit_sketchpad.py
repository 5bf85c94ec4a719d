"""A variational autoencoder of the 8x8 digits; its eight latents are to serve as a code of the image.

The reconstruction is nn.MSELoss as it comes, the divergence is the formula of the paper.
"""
# cause: posterior-collapse
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

LATENT, EPOCHS = 8, 40


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU())
        self.mu = nn.Linear(64, LATENT)
        self.logvar = nn.Linear(64, LATENT)
        self.decoder = nn.Sequential(
            nn.Linear(LATENT, 64), nn.ReLU(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64)
        )

    def encode(self, x):
        h = self.encoder(x)
        return self.mu(h), self.logvar(h)

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return self.decoder(z), mu, logvar


def elbo_terms(x, recon, mu, logvar):
    reconstruction = nn.functional.mse_loss(recon, x)  # FAULT
    # TWIN: reconstruction = 0.5 * ((recon - x) ** 2).sum(dim=1).mean() / 0.3
    divergence = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(dim=1).mean()
    return reconstruction, divergence


images = torch.tensor(load_digits().data, dtype=torch.float32)
images = images[torch.randperm(len(images))]
train, test = images[:1400], images[1400:]
mean, scale = train.mean(), train.std()
train, test = (train - mean) / scale, (test - mean) / scale
loader = DataLoader(TensorDataset(train), batch_size=50, shuffle=True)

model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(EPOCHS):
    model.train()
    rec_sum = div_sum = 0.0
    for (x,) in loader:
        recon, mu, logvar = model(x)
        rec, div = elbo_terms(x, recon, mu, logvar)
        loss = rec + div
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rec_sum += rec.item()
        div_sum += div.item()
    if epoch % 5 == 4:
        print(f"{epoch + 1:3d}  reconstruction {rec_sum / len(loader):.4f}  divergence {div_sum / len(loader):.4f}")

model.eval()
with torch.no_grad():
    mu, _ = model.encode(test)
    residual = (model.decoder(mu) - test).pow(2).mean()
    explained = 1 - (residual / (test - train.mean(0)).pow(2).mean()).item()
print(f"score: {explained:.4f}")
