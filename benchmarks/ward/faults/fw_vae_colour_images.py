"""Convolutional VAE on small colour images (objects on a plain ground), after the book's chapter; reconstructs held-out images and draws new ones from the prior.

After https://whosebug.com/question/5616116/What-could-cause-a-VAE-Variational-AutoEncoder-to-output-random-noise-even-after-training
"""
# cause: output-range
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class ColourImages:
    """Stands in for the data module: pictures with pixel values between 0 and 1."""

    def __init__(self, rng, size=16):
        self.rng, self.size = rng, size

    def sample(self, n):
        rng, s = self.rng, self.size
        yy, xx = np.mgrid[0:s, 0:s]
        ground = rng.beta(0.6, 0.9, (n, 3, 1, 1))
        paint = rng.beta(0.6, 0.9, (n, 3, 1, 1))
        cx, cy = rng.uniform(5, s - 5, (2, n, 1, 1, 1))
        radius = rng.uniform(2.5, 5, (n, 1, 1, 1))
        inside = 1 / (1 + np.exp(2 * (np.hypot(xx - cx, yy - cy) - radius)))
        images = ground * (1 - inside) + paint * inside + 0.03 * rng.standard_normal((n, 3, s, s))
        return np.clip(images, 0, 1)

    def loader(self, n):
        x = torch.tensor(self.sample(n), dtype=torch.float32)
        x = (x - 0.5) / 0.5  # FAULT
        return x


class Encoder(nn.Module):
    def __init__(self, latent):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1),
            nn.BatchNorm2d(16),
            nn.LeakyReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.BatchNorm2d(32),
            nn.LeakyReLU(),
            nn.Flatten(),
        )
        self.mu = nn.Linear(32 * 4 * 4, latent)
        self.log_var = nn.Linear(32 * 4 * 4, latent)

    def forward(self, x):
        h = self.conv(x)
        return self.mu(h), self.log_var(h)


class Decoder(nn.Module):
    def __init__(self, latent):
        super().__init__()
        self.fc = nn.Linear(latent, 32 * 4 * 4)
        self.deconv = nn.Sequential(
            nn.ConvTranspose2d(32, 16, 4, 2, 1),
            nn.BatchNorm2d(16),
            nn.LeakyReLU(),
            nn.ConvTranspose2d(16, 3, 4, 2, 1),
            nn.Sigmoid(),
        )

    def forward(self, z):
        return self.deconv(self.fc(z).view(-1, 32, 4, 4))


class VAE(nn.Module):
    def __init__(self, latent=12):
        super().__init__()
        self.encoder, self.decoder = Encoder(latent), Decoder(latent)

    def forward(self, x):
        mu, log_var = self.encoder(x)
        z = mu + torch.randn_like(mu) * (0.5 * log_var).exp() if self.training else mu
        return self.decoder(z), mu, log_var


def vae_loss(predictions, targets, mu, log_var, r_loss_factor=20.0):
    r_loss = F.mse_loss(predictions, targets, reduction="none").sum((1, 2, 3)).mean()
    kl_loss = -0.5 * (1 + log_var - mu.pow(2) - log_var.exp()).sum(1).mean()
    return r_loss_factor * r_loss + kl_loss, r_loss, kl_loss


def explained(model, images):
    model.eval()
    with torch.no_grad():
        output = model(images)[0]
    return (
        1 - ((output - images) ** 2).sum().item() / ((images - images.mean((0, 2, 3), keepdim=True)) ** 2).sum().item()
    )


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    data = ColourImages(np.random.default_rng(seed))
    train, val = data.loader(1200), data.loader(300)

    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(12):
        model.train()
        sums = np.zeros(3)
        order = torch.randperm(len(train))
        for index in order.split(48):
            x = train[index]
            predictions, mu, log_var = model(x)
            losses = vae_loss(predictions, x, mu, log_var)
            optimizer.zero_grad()
            losses[0].backward()
            optimizer.step()
            sums += np.array([value.item() for value in losses]) * len(index)
        total, r, kl = sums / len(train)
        print(f"epoch {epoch}: loss {total:.2f} (r_loss {r:.2f}, kl {kl:.2f})  val R2 {explained(model, val):.3f}")

    with torch.no_grad():
        new = model.decoder(torch.randn(16, 12))
    print(
        f"generated images: mean {new.mean():.3f} std {new.std():.3f}; data: mean {val.mean():.3f} std {val.std():.3f}"
    )
    print(f"score: {explained(model, val):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
