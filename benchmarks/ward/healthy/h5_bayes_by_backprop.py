"""Bayes by backprop: every weight has a mean and a softplus standard deviation, sampled by reparametrization; the loss
is the negative evidence lower bound per example. Predictions average 20 draws; the data are two moons.
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_moons
from sklearn.preprocessing import StandardScaler

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class BayesLinear(nn.Module):
    def __init__(self, n_in, n_out, prior_std=1.0):
        super().__init__()
        self.mu = nn.Parameter(torch.randn(n_out, n_in) / math.sqrt(n_in))
        self.rho = nn.Parameter(torch.full((n_out, n_in), -3.0))
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.prior_std = prior_std

    def forward(self, x):
        # local reparametrization: sample the outputs, not the weights
        sigma2 = F.softplus(self.rho) ** 2
        mean, var = F.linear(x, self.mu, self.bias), F.linear(x**2, sigma2)
        return mean + (var + 1e-9).sqrt() * torch.randn_like(mean)

    def kl(self):
        sigma = F.softplus(self.rho)
        ratio = (sigma / self.prior_std) ** 2
        return 0.5 * (ratio + (self.mu / self.prior_std) ** 2 - 1 - ratio.log()).sum()


X, y = make_moons(3000, noise=0.2, random_state=seed)
perm = torch.randperm(len(y))
n_train = 2000
scaler = StandardScaler().fit(X[perm[:n_train].numpy()])
X, y = torch.tensor(scaler.transform(X), dtype=torch.float32)[perm], torch.tensor(y, dtype=torch.float32)[perm]
X_train, y_train, X_test, y_test = X[:n_train], y[:n_train], X[n_train:], y[n_train:]

layers = nn.ModuleList([BayesLinear(2, 24), BayesLinear(24, 1)])


def forward(x):
    return layers[1](torch.tanh(layers[0](x))).squeeze(1)


def predictive(x, draws=20):
    with torch.no_grad():
        return torch.stack([forward(x).sigmoid() for _ in range(draws)]).mean(0)


optimizer = torch.optim.Adam(layers.parameters(), lr=1e-2)
for epoch in range(30):
    elbo_sum = nll_sum = 0.0
    for idx in torch.randperm(n_train).split(50):
        nll = F.binary_cross_entropy_with_logits(forward(X_train[idx]), y_train[idx])
        loss = nll + sum(layer.kl() for layer in layers) / n_train
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        elbo_sum, nll_sum = elbo_sum + loss.item() / 40, nll_sum + nll.item() / 40
    if epoch % 5 == 4:
        p = predictive(X_test)
        test_nll = F.binary_cross_entropy(p, y_test)
        acc = ((p > 0.5) == y_test.bool()).float().mean()
        print(f"epoch {epoch + 1}: -elbo {elbo_sum:.4f} nll {nll_sum:.4f} | test nll {test_nll:.4f} acc {acc:.4f}")
print(f"score: {acc:.4f}")
