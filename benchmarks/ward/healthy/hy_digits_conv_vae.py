"""VAE of digits, Bernoulli likelihood summed over the pixels, warm-up of the divergence over the first epochs."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class VAE(nn.Module):
    def __init__(self, z=8):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 2 * z))
        self.dec = nn.Sequential(nn.Linear(z, 128), nn.ReLU(), nn.Linear(128, 64))

    def forward(self, x):
        mu, logvar = self.enc(x).chunk(2, dim=1)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp() if self.training else mu
        return self.dec(z), mu, logvar


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data = torch.tensor(load_digits().data, dtype=torch.float32) / 16
    data = data[torch.randperm(len(data))]
    train, test = data[:1500], data[1500:]
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(30):
        model.train()
        beta = min(1.0, (epoch + 1) / 10)
        totals = torch.zeros(2)
        for x in train[torch.randperm(len(train))].split(50):
            logits, mu, logvar = model(x)
            rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
            kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1).mean()
            optimizer.zero_grad()
            (rec + beta * kl).backward()
            optimizer.step()
            totals += torch.tensor([rec.item(), kl.item()]) / 30
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1} reconstruction {totals[0]:.3f} divergence {totals[1]:.3f}")
    model.eval()
    with torch.no_grad():
        picture = model(test)[0].sigmoid()
    print(f"score: {1 - F.mse_loss(picture, test).item() / (test - train.mean(0)).square().mean().item():.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
