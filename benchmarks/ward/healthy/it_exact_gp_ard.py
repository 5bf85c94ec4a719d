"""Exact Gaussian-process regression in a few lines: RBF kernel with one length scale per input (ARD), hyper-parameters by
maximizing the log marginal likelihood with Adam, on Friedman's first function.

After the "GPyTorch Regression Tutorial", https://docs.gpytorch.ai/en/stable/examples/01_Exact_GPs/Simple_GP_Regression.html
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_friedman1
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split


class ExactGP(nn.Module):
    def __init__(self, train_x, train_y):
        super().__init__()
        self.train_x, self.train_y = train_x, train_y
        self.mean = nn.Parameter(torch.zeros((), dtype=train_x.dtype))
        self.raw_lengthscale = nn.Parameter(torch.zeros(train_x.shape[1], dtype=train_x.dtype))
        self.raw_outputscale = nn.Parameter(torch.zeros((), dtype=train_x.dtype))
        self.raw_noise = nn.Parameter(torch.zeros((), dtype=train_x.dtype))

    @property
    def lengthscale(self):
        return F.softplus(self.raw_lengthscale)

    @property
    def outputscale(self):
        return F.softplus(self.raw_outputscale)

    @property
    def noise(self):
        return F.softplus(self.raw_noise) + 1e-4

    def kernel(self, a, b):
        a, b = a / self.lengthscale, b / self.lengthscale
        sq = (a**2).sum(1, keepdim=True) - 2 * a @ b.T + (b**2).sum(1)
        return self.outputscale * torch.exp(-0.5 * sq.clamp(min=0))

    def cholesky(self):
        eye = torch.eye(len(self.train_x), dtype=self.train_x.dtype)
        return torch.linalg.cholesky(self.kernel(self.train_x, self.train_x) + self.noise * eye)

    def negative_mll(self):
        L = self.cholesky()
        r = self.train_y - self.mean
        z = torch.linalg.solve_triangular(L, r.unsqueeze(1), upper=False)
        n = len(r)
        return (0.5 * z.pow(2).sum() + L.diagonal().log().sum() + 0.5 * n * math.log(2 * math.pi)) / n

    @torch.no_grad()
    def predict(self, x):
        L = self.cholesky()
        k = self.kernel(self.train_x, x)
        alpha = torch.cholesky_solve((self.train_y - self.mean).unsqueeze(1), L)
        v = torch.linalg.solve_triangular(L, k, upper=False)
        var = self.outputscale - v.pow(2).sum(0) + self.noise
        return self.mean + (k.T @ alpha).squeeze(1), var


def r2(pred, y):
    return (1 - ((pred - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = make_friedman1(n_samples=700, n_features=8, noise=1.0, random_state=seed)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=400, random_state=seed)
    linear = LinearRegression().fit(x_train, y_train)
    print(f"linear regression, test R2: {linear.score(x_test, y_test):.4f}")

    mu, sd = x_train.mean(0), x_train.std(0)
    y_mu, y_sd = y_train.mean(), y_train.std()
    x_train, x_test = torch.from_numpy((x_train - mu) / sd), torch.from_numpy((x_test - mu) / sd)
    y_train, y_test = torch.from_numpy((y_train - y_mu) / y_sd), torch.from_numpy((y_test - y_mu) / y_sd)

    model = ExactGP(x_train, y_train)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    training_iter = 150
    for i in range(training_iter):
        optimizer.zero_grad()
        loss = model.negative_mll()
        loss.backward()
        optimizer.step()
        if i % 15 == 0 or i == training_iter - 1:
            print(
                f"Iter {i + 1}/{training_iter} - Loss: {loss.item():.3f}   noise: {model.noise.item():.3f}   "
                f"lengthscales: {[round(v, 2) for v in model.lengthscale.tolist()]}"
            )

    mean, var = model.predict(x_test)
    inside = ((y_test - mean).abs() < 1.96 * var.sqrt()).double().mean()
    print(f"95% intervals cover {inside:.3f} of the test points")
    print(f"score: {r2(mean, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
