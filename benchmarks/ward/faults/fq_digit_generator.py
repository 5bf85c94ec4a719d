"""Train a small generator of handwritten digits (decoder of a conditional VAE with batch norm), then draw a sheet of
each digit and let a classifier trained on real digits judge whether they can be recognised.

After https://github.com/csinva/gan-vae-pretrained-pytorch/issues/2
"""
# cause: evaluation-in-train-mode
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

nz = 8
ngf = 96


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Linear(nz + 10, ngf, bias=False),
            nn.BatchNorm1d(ngf),
            nn.ReLU(True),
            nn.Linear(ngf, ngf, bias=False),
            nn.BatchNorm1d(ngf),
            nn.ReLU(True),
            nn.Linear(ngf, 64),
            nn.Sigmoid(),
        )

    def forward(self, z, label):
        onehot = F.one_hot(label, 10).float()
        return self.main(torch.cat([z, onehot], dim=1)).view(-1, 1, 8, 8)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64 + 10, 64)
        self.mu = nn.Linear(64, nz)
        self.logvar = nn.Linear(64, nz)

    def forward(self, image, label):
        h = F.relu(self.fc1(torch.cat([image.flatten(1), F.one_hot(label, 10).float()], dim=1)))
        return self.mu(h), self.logvar(h)


def train(G, E, images, labels, epochs):
    optimizer = torch.optim.Adam(list(G.parameters()) + list(E.parameters()), lr=3e-3)
    G.train()
    E.train()
    for epoch in range(epochs):
        total = 0.0
        batches = torch.randperm(len(images)).split(64)
        for idx in batches:
            mu, logvar = E(images[idx], labels[idx])
            z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
            recon = F.binary_cross_entropy(G(z, labels[idx]), images[idx], reduction="sum") / len(idx)
            kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(dim=1).mean()
            loss = recon + kl
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        if (epoch + 1) % 4 == 0:
            print(f"[{epoch + 1}/{epochs}] loss {total / len(batches):.3f}")


def sample_sheet(G, digit, n=16):
    with torch.no_grad():
        noise = torch.randn(n, nz)
        return G(noise, torch.full((n,), digit))


def main(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    torch.set_num_threads(1)

    digits = load_digits()
    images = torch.tensor(digits.images / 16.0, dtype=torch.float32).unsqueeze(1)
    labels = torch.tensor(digits.target)

    judge = LogisticRegression(max_iter=60, C=0.1).fit(images.flatten(1).numpy(), digits.target)

    G, E = Generator(), Encoder()
    train(G, E, images, labels, epochs=12)

    netG = G  # FAULT
    # TWIN: netG = G.eval()
    recognised = []
    for digit in range(10):
        sheet = sample_sheet(netG, digit)
        predicted = judge.predict(sheet.flatten(1).numpy())
        recognised.append(np.mean(predicted == digit))
        print(f"digit {digit}: {recognised[-1]:.2f} of the samples recognised")
    print(f"score: {np.mean(recognised):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
