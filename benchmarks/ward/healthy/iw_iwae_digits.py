"""An importance weighted autoencoder (5 samples in training) on binarised digits; scored by the held-out bound on
log p(x) with 100 samples, next to that of independent pixels.

After Burda et al. 2015 and https://github.com/yoonholee/pytorch-vae
"""

import argparse
import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class IWAE(nn.Module):
    def __init__(self, x_dim=64, h_dim=128, z_dim=8):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(x_dim, h_dim), nn.Tanh(), nn.Linear(h_dim, h_dim), nn.Tanh())
        self.mu, self.log_sigma = nn.Linear(h_dim, z_dim), nn.Linear(h_dim, z_dim)
        self.decoder = nn.Sequential(
            nn.Linear(z_dim, h_dim), nn.Tanh(), nn.Linear(h_dim, h_dim), nn.Tanh(), nn.Linear(h_dim, x_dim)
        )

    def log_weights(self, x, k):
        """log p(x, z) - log q(z | x) for k samples of z, shape (k, batch)."""
        h = self.encoder(x)
        q = torch.distributions.Normal(self.mu(h), self.log_sigma(h).exp())
        z = q.rsample((k,))
        log_q = q.log_prob(z).sum(-1)
        log_prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
        logits = self.decoder(z)
        log_lik = -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)
        return log_lik + log_prior - log_q

    def bound(self, x, k):
        return torch.logsumexp(self.log_weights(x, k), 0) - math.log(k)


@torch.no_grad()
def evaluate(model, loader, k):
    model.eval()
    total = sum(model.bound(x, k).sum().item() for (x,) in loader)
    return total / len(loader.dataset)


def main(seed):
    args = argparse.Namespace(k=5, batch_size=100, epochs=36, lr=2e-3, eval_k=100)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    images = (torch.tensor(load_digits().data, dtype=torch.float32) >= 8).float()
    train, test = train_test_split(images, test_size=0.2, random_state=seed)
    train_loader = DataLoader(TensorDataset(train), batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(TensorDataset(test), batch_size=args.batch_size)

    p = (train.sum(0) + 1) / (len(train) + 2)
    independent = (test * p.log() + (1 - test) * (1 - p).log()).sum(1).mean().item()
    print(f"independent pixels: {independent:.2f} nats")

    model = IWAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr, betas=(0.9, 0.999), eps=1e-4)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[20, 30], gamma=0.4)
    for epoch in range(1, args.epochs + 1):
        model.train()
        total = 0.0
        for (x,) in train_loader:
            loss = -model.bound(x, args.k).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        scheduler.step()
        if epoch % 6 == 0:
            print(f"epoch {epoch}: train -{total / len(train):.2f}, test {evaluate(model, test_loader, args.k):.2f}")

    print(f"score: {evaluate(model, test_loader, args.eval_k):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
