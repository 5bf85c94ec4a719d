"""Bayes by Backprop: a classifier of digits with a distribution over every weight; predictions average sampled networks.

After https://github.com/nitarshan/bayes-by-backprop (Blundell et al., "Weight Uncertainty in Neural Networks").
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

PI, SIGMA_1, SIGMA_2 = 0.5, 0.5, 0.05


def gaussian_log_prob(x, mu, sigma):
    return (-0.5 * math.log(2 * math.pi) - torch.log(sigma) - 0.5 * ((x - mu) / sigma) ** 2).sum()


def scale_mixture_log_prob(x):
    """The paper's prior: a wide and a narrow Gaussian around zero."""
    wide = -0.5 * (x / SIGMA_1) ** 2 - math.log(SIGMA_1) + math.log(PI)
    narrow = -0.5 * (x / SIGMA_2) ** 2 - math.log(SIGMA_2) + math.log(1 - PI)
    return (torch.logaddexp(wide, narrow) - 0.5 * math.log(2 * math.pi)).sum()


class Gaussian(nn.Module):
    def __init__(self, mu, rho):
        super().__init__()
        self.mu, self.rho = nn.Parameter(mu), nn.Parameter(rho)

    @property
    def sigma(self):
        return F.softplus(self.rho)

    def sample(self):
        return self.mu + self.sigma * torch.randn_like(self.mu)

    def log_prob(self, x):
        return gaussian_log_prob(x, self.mu, self.sigma)


class BayesianLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        bound = math.sqrt(3.0 / n_in)
        self.weight = Gaussian(torch.empty(n_out, n_in).uniform_(-bound, bound), torch.full((n_out, n_in), -4.5))
        self.bias = Gaussian(torch.zeros(n_out), torch.full((n_out,), -4.5))

    def forward(self, x, sample):
        if not sample:
            self.log_prior = self.log_posterior = torch.zeros(())
            return F.linear(x, self.weight.mu, self.bias.mu)
        w, b = self.weight.sample(), self.bias.sample()
        self.log_prior = scale_mixture_log_prob(w) + scale_mixture_log_prob(b)
        self.log_posterior = self.weight.log_prob(w) + self.bias.log_prob(b)
        return F.linear(x, w, b)


class BayesianNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1, self.l2 = BayesianLinear(64, 64), BayesianLinear(64, 10)

    def forward(self, x, sample=True):
        return self.l2(F.relu(self.l1(x, sample)), sample)

    def complexity(self):
        return sum(layer.log_posterior - layer.log_prior for layer in (self.l1, self.l2))


@torch.no_grad()
def predict(net, x, samples):
    net.eval()
    return torch.stack([F.softmax(net(x), dim=1) for _ in range(samples)]).mean(0)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    digits = load_digits()
    x_train, x_test, y_train, y_test = train_test_split(
        digits.data, digits.target, test_size=0.25, stratify=digits.target, random_state=seed
    )
    mean, std = x_train.mean(), x_train.std()
    x_train, x_test = (torch.tensor((x - mean) / std, dtype=torch.float32) for x in (x_train, x_test))
    y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)

    net = BayesianNetwork()
    epochs = 36
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs, eta_min=5e-4)
    for epoch in range(1, epochs + 1):
        net.train()
        total_nll, total_kl = 0.0, 0.0
        for x, y in loader:
            optimizer.zero_grad()
            nll = F.cross_entropy(net(x), y)
            kl = net.complexity() / len(x_train)  # the bound on the whole set, divided by its size
            loss = nll + kl
            loss.backward()
            optimizer.step()
            total_nll, total_kl = total_nll + nll.item(), total_kl + kl.item()
        scheduler.step()
        if epoch % 3 == 0:
            accuracy = (predict(net, x_test, 5).argmax(1) == y_test).float().mean().item()
            print(
                f"epoch {epoch:2d}: nll {total_nll / len(loader):.4f}, complexity {total_kl / len(loader):.4f}, test accuracy {accuracy:.4f}"
            )

    probs = predict(net, x_test, 20)
    right = probs.argmax(1) == y_test
    entropy = -(probs * probs.clamp_min(1e-9).log()).sum(1)
    print(f"predictive entropy: {entropy[right].mean():.3f} where right, {entropy[~right].mean():.3f} where wrong")
    print(f"score: {right.float().mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
