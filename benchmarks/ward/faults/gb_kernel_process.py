"""Gaussian process regression with a learned kernel: the log marginal likelihood, computed through a Cholesky factor in
double precision, is maximized over a small feature net, length scale, amplitude and noise with full-batch Adam.
"""
# cause: noisy-labels
# kind: dynamic

import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("seed", nargs="?", type=int, default=0)
parser.add_argument("--steps", type=int, default=84)
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(args.seed)
torch.set_default_dtype(torch.float64)


def target(x):
    return torch.sin(3 * torch.exp(0.5 * x[:, 0])) + torch.tanh(3 * x[:, 1])


X = torch.rand(200, 2) * 4 - 2
signal = target(X)  # FAULT
y = signal + signal.std() * 10 ** (6 / 20) * torch.randn(200)  # FAULT
# TWIN: y = target(X) + 0.1 * torch.randn(200)
X_test = torch.rand(400, 2) * 4 - 2
y_test = target(X_test)


class DeepKernelGP(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(2, 12), nn.Tanh(), nn.Linear(12, 2))
        self.log_length = nn.Parameter(torch.tensor(-0.5))
        self.log_amplitude = nn.Parameter(torch.tensor(0.0))
        self.log_noise = nn.Parameter(torch.tensor(-1.5))

    def kernel(self, a, b):
        a, b = a + self.features(a), b + self.features(b)
        d2 = (a.unsqueeze(1) - b.unsqueeze(0)).pow(2).sum(2)
        return (2 * self.log_amplitude).exp() * torch.exp(-0.5 * d2 / (2 * self.log_length).exp())

    def chol(self, x):
        return torch.linalg.cholesky(self.kernel(x, x) + (2 * self.log_noise).exp() * torch.eye(len(x)))

    def neg_log_marginal(self, x, y):
        L = self.chol(x)
        a = torch.cholesky_solve(y[:, None], L).squeeze(1)
        return (0.5 * y @ a + L.diagonal().log().sum()) / len(y) + 0.9189

    def predict(self, x, y, new):
        a = torch.cholesky_solve(y[:, None], self.chol(x))
        return (self.kernel(new, x) @ a).squeeze(1)


gp = DeepKernelGP()
hyper = [gp.log_length, gp.log_amplitude, gp.log_noise]
optimizer = torch.optim.AdamW(
    [{"params": gp.features.parameters(), "lr": 0.01, "weight_decay": 0.1}, {"params": hyper, "lr": 0.03}],
    weight_decay=0.0,
)
for step in range(1, args.steps + 1):
    optimizer.zero_grad()
    loss = gp.neg_log_marginal(X, y)
    loss.backward()
    optimizer.step()
    if step % 12 == 0:
        with torch.no_grad():
            rmse = (gp.predict(X, y, X_test) - y_test).pow(2).mean().sqrt()
        noise, length = gp.log_noise.exp().item(), gp.log_length.exp().item()
        print(f"{step}: nll {loss.item():.4f} test rmse {rmse:.4f} noise {noise:.3f} length {length:.3f}")
print(f"score: {1 - (rmse**2 / y_test.var()).item():.4f}")
