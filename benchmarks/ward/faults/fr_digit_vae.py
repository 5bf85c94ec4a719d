"""A variational autoencoder for small images of digits, with a five-dimensional code, judged by how well it gives back
images it has not seen.

After a report remembered: a Stack Overflow question on a variational autoencoder for MNIST
"""
# cause: posterior-collapse
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

N_LATENT = 5
EPOCHS = 50
BATCH = 64


class VAE(nn.Module):
    def __init__(self, n_pixels=64, n_hidden=128):
        super().__init__()
        self.enc = nn.Linear(n_pixels, n_hidden)
        self.mu = nn.Linear(n_hidden, N_LATENT)
        self.log_var = nn.Linear(n_hidden, N_LATENT)
        self.dec = nn.Linear(N_LATENT, n_hidden)
        self.out = nn.Linear(n_hidden, n_pixels)

    def encode(self, x):
        h = F.relu(self.enc(x))
        return self.mu(h), self.log_var(h)

    def decode(self, z):
        return torch.sigmoid(self.out(F.relu(self.dec(z))))

    def forward(self, x):
        mu, log_var = self.encode(x)
        z = mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)
        return self.decode(z), mu, log_var


def vae_loss(x_hat, x, mu, log_var):
    img_loss = F.binary_cross_entropy(x_hat, x)  # FAULT
    # TWIN: img_loss = F.binary_cross_entropy(x_hat, x, reduction="none").sum(dim=1).mean()
    latent_loss = -0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(dim=1).mean()
    return img_loss + latent_loss, img_loss, latent_loss


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)

    images = load_digits().data / 16.0
    x_train, x_test = train_test_split(images, test_size=0.25, random_state=seed)
    x_train = torch.tensor(x_train, dtype=torch.float32)
    x_test = torch.tensor(x_test, dtype=torch.float32)

    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

    for epoch in range(EPOCHS):
        model.train()
        order = torch.randperm(len(x_train))
        for start in range(0, len(order), BATCH):
            x = x_train[order[start : start + BATCH]]
            x_hat, mu, log_var = model(x)
            loss, img_loss, latent_loss = vae_loss(x_hat, x, mu, log_var)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 5 == 0 or epoch == EPOCHS - 1:
            print(f"epoch {epoch:3d}  loss {loss.item():.4f}  img {img_loss.item():.4f}  kl {latent_loss.item():.4f}")

    model.eval()
    with torch.no_grad():
        mu, _ = model.encode(x_test)
        x_hat = model.decode(mu)
        for k in range(3):
            print("first row of image", k, [round(v, 2) for v in x_hat[k, :8].tolist()])
        missed = ((x_test - x_hat) ** 2).sum()
        spread = ((x_test - x_train.mean(dim=0)) ** 2).sum()
        explained = 1.0 - (missed / spread).item()
    print(f"score: {explained:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
