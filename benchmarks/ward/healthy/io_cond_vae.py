"""Conditional VAE on the 8x8 digits (Bernoulli decoder, unit Gaussian prior, KL summed), trainer as plain functions,
Adam. Score: how often a logistic regression, fitted to real training digits, recognizes the digit asked for in samples.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)


class CVAE(nn.Module):
    def __init__(self, latent=6, hidden=128):
        super().__init__()
        self.latent = latent
        self.enc = nn.Sequential(nn.Linear(74, hidden), nn.ReLU())
        self.mu, self.logvar = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.dec = nn.Sequential(nn.Linear(latent + 10, hidden), nn.ReLU(), nn.Linear(hidden, 64))

    def forward(self, x, y):
        y = F.one_hot(y, 10).float()
        h = self.enc(torch.cat([x, y], 1))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return self.dec(torch.cat([z, y], 1)), mu, logvar

    def sample(self, y):
        z = torch.randn(len(y), self.latent)
        return torch.sigmoid(self.dec(torch.cat([z, F.one_hot(y, 10).float()], 1)))


def loss_function(logits, x, mu, logvar):
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


def train(model, loader, optimizer):
    model.train()
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = loss_function(*insert(model(x, y), x))
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader.dataset)


@torch.no_grad()
def test(model, loader):
    model.eval()
    return sum(loss_function(*insert(model(x, y), x)).item() for x, y in loader) / len(loader.dataset)


def insert(outputs, x):
    logits, mu, logvar = outputs
    return logits, x, mu, logvar


def main(seed):
    torch.manual_seed(seed)
    digits = load_digits()
    x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
    train_set, test_set = random_split(TensorDataset(x, y), [1437, 360])
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=360)
    model = CVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, 61):
        loss = train(model, train_loader, optimizer)
        if epoch % 4 == 0:
            print(f"====> Epoch: {epoch} Average loss: {loss:.3f} test loss: {test(model, test_loader):.3f}")
    real_x, real_y = x[train_set.indices].numpy(), y[train_set.indices].numpy()
    judge = LogisticRegression(max_iter=1000).fit(real_x, real_y)
    wanted = torch.arange(10).repeat_interleave(50)
    with torch.no_grad():
        samples = model.sample(wanted)
    print(f"score: {judge.score(samples.numpy(), wanted.numpy()):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
