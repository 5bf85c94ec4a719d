"""A mixture density network learns the many-valued inverse of x = t + 0.3 sin(2 pi t), where least squares fails.

After Bishop (1994) and https://github.com/sagelywizard/pytorch-mdn (pi, sigma, mu heads and the mixture's likelihood).
"""

import math
import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class MDN(nn.Module):
    def __init__(self, in_features, hidden, num_gaussians):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(in_features, hidden),
            nn.Tanh(),
            nn.Linear(hidden, hidden),
            nn.Tanh(),
        )
        self.pi = nn.Linear(hidden, num_gaussians)
        self.mu = nn.Linear(hidden, num_gaussians)
        self.log_sigma = nn.Linear(hidden, num_gaussians)

    def forward(self, x):
        h = self.body(x)
        log_pi = torch.log_softmax(self.pi(h), dim=1)
        log_sigma = self.log_sigma(h).clamp(min=-5.0)
        return log_pi, self.mu(h), log_sigma


def log_likelihood(log_pi, mu, log_sigma, target):
    z = (target - mu) / log_sigma.exp()
    log_prob = -0.5 * z**2 - log_sigma - 0.5 * math.log(2 * math.pi)
    return torch.logsumexp(log_pi + log_prob, dim=1)


def make_data(n, rng):
    t = rng.uniform(0, 1, size=(n, 1))
    x = t + 0.3 * np.sin(2 * np.pi * t) + rng.uniform(-0.1, 0.1, size=(n, 1))
    return x.astype(np.float32), t.astype(np.float32)


def evaluate(model, loader):
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for x, t in loader:
            total += log_likelihood(*model(x), t).sum().item()
            count += len(x)
    return total / count


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    x_train, t_train = make_data(3000, rng)
    x_val, t_val = make_data(1000, rng)
    x_test, t_test = make_data(1000, rng)

    x_mean, x_std = x_train.mean(), x_train.std()
    t_mean, t_std = t_train.mean(), t_train.std()

    def loader(x, t, shuffle=False):
        x, t = (x - x_mean) / x_std, (t - t_mean) / t_std
        return DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(t)), batch_size=128, shuffle=shuffle)

    train_loader, val_loader, test_loader = loader(x_train, t_train, True), loader(x_val, t_val), loader(x_test, t_test)

    model = MDN(1, 32, 5)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    epochs = 50
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)

    for epoch in range(1, epochs + 1):
        model.train()
        running = 0.0
        for x, t in train_loader:
            loss = -log_likelihood(*model(x), t).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            running += loss.item() * len(x)
        scheduler.step()
        if epoch % 5 == 0:
            print(
                f"epoch {epoch:3d}  train nll {running / len(x_train):.4f}  val nll {-evaluate(model, val_loader):.4f}"
            )

    # A single Gaussian without regard to the input reaches the entropy of a standard normal.
    print(f"log-likelihood of one Gaussian: {-0.5 * math.log(2 * math.pi * math.e):.4f}")
    print(f"score: {evaluate(model, test_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
