"""Variational autoencoder with dense layers on digits: Bernoulli decoder, a small latent space.

After https://github.com/keras-team/keras/pull/3383
"""
# cause: posterior-collapse
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

batch_size = 100
original_dim = 64
latent_dim = 6
intermediate_dim = 128
nb_epoch = 50


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.h = nn.Linear(original_dim, intermediate_dim)
        self.z_mean = nn.Linear(intermediate_dim, latent_dim)
        self.z_log_var = nn.Linear(intermediate_dim, latent_dim)
        self.decoder_h = nn.Linear(latent_dim, intermediate_dim)
        self.decoder_mean = nn.Linear(intermediate_dim, original_dim)

    def encode(self, x):
        h = torch.relu(self.h(x))
        return self.z_mean(h), self.z_log_var(h)

    def decode(self, z):
        return torch.sigmoid(self.decoder_mean(torch.relu(self.decoder_h(z))))

    def sampling(self, z_mean, z_log_var):
        epsilon = torch.randn_like(z_mean)
        return z_mean + torch.exp(z_log_var / 2) * epsilon

    def forward(self, x):
        z_mean, z_log_var = self.encode(x)
        return self.decode(self.sampling(z_mean, z_log_var)), z_mean, z_log_var


def vae_loss(x, x_decoded_mean, z_mean, z_log_var):
    xent_loss = F.binary_cross_entropy(x_decoded_mean, x, reduction="none").mean(dim=-1)  # FAULT
    # TWIN: xent_loss = F.binary_cross_entropy(x_decoded_mean, x, reduction="none").sum(dim=-1)
    kl_loss = -0.5 * torch.sum(1 + z_log_var - z_mean.pow(2) - z_log_var.exp(), dim=-1)
    return xent_loss.mean(), kl_loss.mean()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    np.random.seed(seed)

    x = load_digits().data.astype("float32") / 16.0
    x = torch.tensor(x[np.random.permutation(len(x))])
    x_train, x_test = x[:1400], x[1400:]

    vae = VAE()
    optimizer = torch.optim.Adam(vae.parameters(), lr=2e-3)
    for epoch in range(nb_epoch):
        vae.train()
        order = torch.randperm(len(x_train))
        sums = np.zeros(2)
        for start in range(0, len(order), batch_size):
            batch = x_train[order[start : start + batch_size]]
            xent, kl = vae_loss(batch, *vae(batch))
            loss = xent + kl
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            sums += [xent.item(), kl.item()]
        if (epoch + 1) % 10 == 0:
            sums /= np.ceil(len(order) / batch_size)
            vae.eval()
            with torch.no_grad():
                val_xent, val_kl = vae_loss(x_test, *vae(x_test))
            print(
                f"Epoch {epoch + 1}/{nb_epoch} - xent: {sums[0]:.4f} - kl: {sums[1]:.4f} "
                f"- val_loss: {(val_xent + val_kl).item():.4f}"
            )

    vae.eval()
    with torch.no_grad():
        z_mean, _ = vae.encode(x_test)
        rebuilt = vae.decode(z_mean)
    error = ((rebuilt - x_test) ** 2).sum()
    spread = ((x_test - x_train.mean(0)) ** 2).sum()
    print(f"score: {(1 - error / spread).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
