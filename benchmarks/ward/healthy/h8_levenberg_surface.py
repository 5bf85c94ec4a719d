"""Levenberg-Marquardt for a small tanh network: full Jacobian of the residuals, damped normal equations, and the
damping goes up when a trial step is rejected and down when it is accepted. Fits a bumpy surface in double
precision.
"""

import sys

import torch
from torch import nn
from torch.func import functional_call, jacrev, vmap
from torch.nn.utils import parameters_to_vector


def surface(x):
    return torch.sin(2 * x[:, 0]) * torch.cos(1.5 * x[:, 1]) + 0.3 * x[:, 0] * x[:, 1]


class Fit:
    def __init__(self, model):
        self.model = model
        self.names = [n for n, _ in model.named_parameters()]
        self.shapes = [p.shape for p in model.parameters()]
        self.theta = parameters_to_vector(model.parameters()).detach().clone()
        self.damping = 1e-1

    def unpack(self, theta):
        pieces = theta.split([s.numel() for s in self.shapes])
        return {n: piece.view(s) for n, piece, s in zip(self.names, pieces, self.shapes, strict=True)}

    def predict(self, theta, x):
        return functional_call(self.model, self.unpack(theta), (x,)).squeeze(-1)

    def step(self, x, y):
        residual = self.predict(self.theta, x) - y
        jac = vmap(jacrev(self.predict), in_dims=(None, 0))(self.theta, x)
        gram, rhs = jac.T @ jac, jac.T @ residual
        before = residual.square().sum()
        for _ in range(10):
            damped = gram + self.damping * torch.eye(len(rhs), dtype=rhs.dtype)
            trial = self.theta - torch.linalg.solve(damped, rhs)
            after = (self.predict(trial, x) - y).square().sum()
            if after < before:
                self.theta = trial
                self.damping = max(self.damping / 3, 1e-6)
                return after.item() / len(x), True
            self.damping *= 4
        return before.item() / len(x), False


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x = torch.rand(1500, 2, dtype=torch.float64) * 4 - 2
    y = surface(x) + 0.05 * torch.randn(1500, dtype=torch.float64)
    x_train, y_train = x[:1100], y[:1100]
    x_test, y_test = x[1100:], y[1100:]
    fit = Fit(nn.Sequential(nn.Linear(2, 20), nn.Tanh(), nn.Linear(20, 1)).double())
    print("unknowns:", fit.theta.numel())
    for iteration in range(80):
        mse, moved = fit.step(x_train, y_train)
        if iteration % 5 == 0:
            print(f"iteration {iteration:2d} mse {mse:.6f} damping {fit.damping:.1e}")
        if not moved:
            break
    error = (fit.predict(fit.theta, x_test) - y_test).square().mean()
    print(f"test mse {error.item():.6f}")
    print(f"score: {1 - (error / y_test.var()).item():.4f}")


if __name__ == "__main__":
    with torch.no_grad():
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
