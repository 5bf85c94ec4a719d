"""Variational autoencoder for the small handwritten digits, following the Keras example: encode to a few latent
numbers, sample, decode, and look at how well held-out digits are reconstructed.

After https://stats.stackexchange.com/questions/485488/should-reconstruction-loss-be-computed-as-sum-or-average-over-input-for-variatio
"""
# cause: posterior-collapse
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

latent_dim = 8


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.dense = nn.Linear(32 * 2 * 2, 32)
        self.z_mean = nn.Linear(32, latent_dim)
        self.z_log_var = nn.Linear(32, latent_dim)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.relu(self.dense(x.flatten(1)))
        return self.z_mean(x), self.z_log_var(x)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(latent_dim, 32 * 2 * 2)
        self.deconv1 = nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1)
        self.deconv2 = nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1)

    def forward(self, z):
        x = F.relu(self.dense(z)).view(-1, 32, 2, 2)
        x = F.relu(self.deconv1(x))
        return torch.sigmoid(self.deconv2(x))


class VAE(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, data):
        z_mean, z_log_var = self.encoder(data)
        epsilon = torch.randn_like(z_mean)
        z = z_mean + torch.exp(0.5 * z_log_var) * epsilon
        return self.decoder(z), z_mean, z_log_var

    def losses(self, data):
        reconstruction, z_mean, z_log_var = self(data)
        reconstruction_loss = F.binary_cross_entropy(reconstruction, data)  # FAULT
        # TWIN: reconstruction_loss = F.binary_cross_entropy(reconstruction, data, reduction="sum") / len(data)
        kl_loss = -0.5 * (1 + z_log_var - z_mean.pow(2) - z_log_var.exp())
        kl_loss = kl_loss.sum(dim=1).mean()
        return reconstruction_loss, kl_loss


def main(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    torch.set_num_threads(1)

    digits = load_digits().images.astype("float32") / 16.0
    x_train, x_test = train_test_split(digits, test_size=0.2, random_state=seed)
    x_train = torch.tensor(x_train).unsqueeze(1)
    x_test = torch.tensor(x_test).unsqueeze(1)

    vae = VAE(Encoder(), Decoder())
    optimizer = torch.optim.Adam(vae.parameters(), lr=5e-3)

    for epoch in range(25):
        vae.train()
        order = torch.randperm(len(x_train))
        total_r, total_kl, batches = 0.0, 0.0, 0
        for i in range(0, len(order), 64):
            data = x_train[order[i : i + 64]]
            reconstruction_loss, kl_loss = vae.losses(data)
            total_loss = reconstruction_loss + kl_loss
            optimizer.zero_grad()
            total_loss.backward()
            optimizer.step()
            total_r += reconstruction_loss.item()
            total_kl += kl_loss.item()
            batches += 1
        if (epoch + 1) % 5 == 0:
            print(f"epoch {epoch + 1} reconstruction_loss: {total_r / batches:.4f} kl_loss: {total_kl / batches:.4f}")

    vae.eval()
    with torch.no_grad():
        z_mean, _ = vae.encoder(x_test)
        reconstruction = vae.decoder(z_mean)
    residual = ((reconstruction - x_test) ** 2).sum()
    spread = ((x_test - x_train.mean(dim=0)) ** 2).sum()
    print(f"score: {1 - (residual / spread).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
