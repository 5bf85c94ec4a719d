"""A variational autoencoder for handwritten digits, written from scratch after an ordinary autoencoder; prints reconstructions' quality on images it has not seen.

After http://blog.shlomidom.com/Fixing-VAE-model-reconstructions
"""
# cause: posterior-collapse
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

LATENT_DIM = 10
BATCH_SIZE = 48
EPOCHS = 20


class VAE(nn.Module):
    def __init__(self, input_dim=64, hidden_dim=128, latent_dim=LATENT_DIM):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(input_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, hidden_dim), nn.ReLU()
        )
        self.mu_layer = nn.Linear(hidden_dim, latent_dim)
        self.logvar_layer = nn.Linear(hidden_dim, latent_dim)
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, input_dim),
            nn.Sigmoid(),
        )

    def encode(self, x):
        h = self.encoder(x)
        return self.mu_layer(h), self.logvar_layer(h)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + std * torch.randn_like(std)

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return self.decoder(z), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    recon = F.mse_loss(recon_x, x)  # FAULT
    # TWIN: recon = F.binary_cross_entropy(recon_x, x, reduction="sum") / len(x)
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return recon + kl, recon, kl


def reconstruct(model, x):
    model.eval()
    with torch.no_grad():
        mu, _ = model.encode(x)
        return model.decoder(mu)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)

    images = load_digits().data > 7  # black and white
    train_images, test_images = train_test_split(images, test_size=0.2, random_state=seed)
    train_x = torch.tensor(train_images, dtype=torch.float32)
    test_x = torch.tensor(test_images, dtype=torch.float32)
    loader = DataLoader(TensorDataset(train_x), batch_size=BATCH_SIZE, shuffle=True)

    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

    for epoch in range(1, EPOCHS + 1):
        model.train()
        running, running_recon, running_kl = 0.0, 0.0, 0.0
        for (x,) in loader:
            optimizer.zero_grad()
            recon_x, mu, logvar = model(x)
            loss, recon, kl = loss_function(recon_x, x, mu, logvar)
            loss.backward()
            optimizer.step()
            running += loss.item()
            running_recon += recon.item()
            running_kl += kl.item()
        n = len(loader)
        test_mse = F.mse_loss(reconstruct(model, test_x), test_x).item()
        print(
            f"Epoch [{epoch}/{EPOCHS}] loss: {running / n:.4f}, recon: {running_recon / n:.4f}, "
            f"kl: {running_kl / n:.4f}, test mse: {test_mse:.4f}"
        )

    output = reconstruct(model, test_x)
    spread = output[:16].std(0).mean().item()
    print(f"spread of pixels over 16 reconstructions: {spread:.4f} (originals {test_x[:16].std(0).mean():.4f})")
    baseline = ((test_x - train_x.mean(0)) ** 2).mean().item()
    score = 1 - ((test_x - output) ** 2).mean().item() / baseline
    print(f"score: {score:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
