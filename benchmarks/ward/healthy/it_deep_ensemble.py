"""Deep ensemble for regression with uncertainty: five networks with a mean and a variance head, each trained on the
Gaussian negative log-likelihood with its own initialization and shuffling; the mixture is scored on held-out data.

After Lakshminarayanan et al., "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles",
https://arxiv.org/abs/1612.01474
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

N_MODELS = 5


def make_data(rng, n):
    x = rng.uniform(-3, 3, (n, 3))
    mean = np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] * x[:, 2]
    noise = 0.1 + 0.35 / (1 + np.exp(-2 * x[:, 0]))  # the noise grows with the first input
    return x.astype(np.float32), (mean + noise * rng.normal(size=n)).astype(np.float32)


class MeanVariance(nn.Module):
    def __init__(self, d_in, hidden=64):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(d_in, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.mean = nn.Linear(hidden, 1)
        self.raw_var = nn.Linear(hidden, 1)

    def forward(self, x):
        h = self.body(x)
        return self.mean(h).squeeze(-1), F.softplus(self.raw_var(h)).squeeze(-1) + 1e-4


def train_one(x, y, seed, epochs=25, batch_size=250):
    torch.manual_seed(seed)
    model = MeanVariance(x.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=8e-3, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
    criterion = nn.GaussianNLLLoss()
    for epoch in range(epochs):
        perm = torch.randperm(len(x))
        total = 0.0
        for i in range(0, len(x), batch_size):
            idx = perm[i : i + batch_size]
            mean, var = model(x[idx])
            loss = criterion(mean, y[idx], var)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        scheduler.step()
    print(f"member {seed % 100}: final training NLL {total / len(x):.4f}")
    return model


@torch.no_grad()
def predict(models, x):
    """Mean and variance of the uniform mixture of Gaussians."""
    means, variances = zip(*[m.eval()(x) for m in models])
    means, variances = torch.stack(means), torch.stack(variances)
    mean = means.mean(0)
    return mean, (variances + means**2).mean(0) - mean**2


def main(seed):
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    x_train, y_train = make_data(rng, 2500)
    x_test, y_test = make_data(rng, 1000)
    mu, sd = x_train.mean(0), x_train.std(0)
    y_mu, y_sd = y_train.mean(), y_train.std()
    x_train, x_test = torch.from_numpy((x_train - mu) / sd), torch.from_numpy((x_test - mu) / sd)
    y_train, y_test = torch.from_numpy((y_train - y_mu) / y_sd), torch.from_numpy((y_test - y_mu) / y_sd)

    models = [train_one(x_train, y_train, 100 * seed + k) for k in range(N_MODELS)]

    single_mean, single_var = predict(models[:1], x_test)
    mean, var = predict(models, x_test)
    nll = nn.GaussianNLLLoss(full=True)
    coverage = ((y_test - mean).abs() < 1.645 * var.sqrt()).float().mean().item()
    print(f"test NLL: one network {nll(single_mean, y_test, single_var):.4f}, ensemble {nll(mean, y_test, var):.4f}")
    print(f"90% intervals cover {coverage:.3f}")
    r2 = 1 - ((mean - y_test) ** 2).mean() / y_test.var(unbiased=False)
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
