"""Conditional VAE of the digits with a KL weight that rises from 0 to 1 over the first third of the training. The
score: a logistic classifier trained on real digits labels decoded samples as the class they were asked for.
"""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn

torch.set_num_threads(1)


class CVAE(nn.Module):
    def __init__(self, latent=6):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(64 + 10, 96), nn.ReLU())
        self.mu = nn.Linear(96, latent)
        self.logvar = nn.Linear(96, latent)
        self.dec = nn.Sequential(nn.Linear(latent + 10, 96), nn.ReLU(), nn.Linear(96, 64))

    def decode(self, z, c):
        return self.dec(torch.cat([z, c], 1))

    def forward(self, x, c):
        h = self.enc(torch.cat([x, c], 1))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decode(z, c), mu, logvar


def main(seed):
    torch.manual_seed(seed)
    digits = load_digits()
    x = torch.tensor(digits.data, dtype=torch.float32) / 16
    y = torch.tensor(digits.target)
    onehot = F.one_hot(y, 10).float()
    judge = LogisticRegression(max_iter=1000).fit(digits.data / 16, digits.target)

    model = CVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    epochs = 40
    for epoch in range(epochs):
        beta = min(1.0, 3 * epoch / epochs)
        rec_sum = kl_sum = 0.0
        for idx in torch.randperm(len(x)).split(64):
            logits, mu, logvar = model(x[idx], onehot[idx])
            rec = F.binary_cross_entropy_with_logits(logits, x[idx], reduction="sum") / len(idx)
            kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()
            loss = rec + beta * kl
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rec_sum += rec.item() * len(idx)
            kl_sum += kl.item() * len(idx)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1} beta {beta:.2f} rec {rec_sum / len(x):.3f} kl {kl_sum / len(x):.3f}")

    with torch.no_grad():
        wanted = torch.arange(500) % 10
        samples = torch.sigmoid(model.decode(torch.randn(500, 6), F.one_hot(wanted, 10).float()))
    print(f"score: {(judge.predict(samples.numpy()) == wanted.numpy()).mean():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
