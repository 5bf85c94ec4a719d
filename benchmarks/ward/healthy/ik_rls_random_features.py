"""Viscosity in a reactor followed online: random Fourier features and recursive least squares, one sample at a time,
with forgetting, as the catalyst ages. No gradients at all; quality is judged before each update, in the second half.
"""

import sys

import torch

torch.set_num_threads(1)
torch.set_grad_enabled(False)


class OnlineRidge:
    def __init__(self, n_in, features, width, gen, forgetting=0.999):
        self.omega = torch.randn(n_in, features, generator=gen, dtype=torch.float64) / width
        self.phase = 6.283185 * torch.rand(features, generator=gen, dtype=torch.float64)
        self.weights = torch.zeros(features, dtype=torch.float64)
        self.inverse = torch.eye(features, dtype=torch.float64)
        self.forgetting = forgetting

    def features(self, x):
        return (2 / len(self.phase)) ** 0.5 * torch.cos(x @ self.omega + self.phase)

    def predict(self, x):
        return self.features(x) @ self.weights

    def update(self, x, y):
        phi = self.features(x)
        spread = self.inverse @ phi
        gain = spread / (self.forgetting + phi @ spread)
        self.weights += gain * (y - phi @ self.weights)
        self.inverse = (self.inverse - torch.outer(gain, spread)) / self.forgetting
        self.inverse = 0.5 * (self.inverse + self.inverse.T)


def reactor(n, gen):
    x = 2 * torch.rand(n, 3, generator=gen, dtype=torch.float64) - 1
    age = torch.linspace(0, 1, n, dtype=torch.float64)
    clean = torch.sin(2 * x[:, 0]) * (1 - 0.5 * age) + x[:, 1] * x[:, 2] + age * x[:, 1] ** 2
    return x, clean + 0.1 * torch.randn(n, generator=gen, dtype=torch.float64)


def main(seed):
    gen = torch.Generator().manual_seed(seed)
    x, y = reactor(12000, gen)
    model = OnlineRidge(3, 100, 1.3, gen)
    errors = torch.zeros(len(y), dtype=torch.float64)
    for t in range(len(y)):
        errors[t] = y[t] - model.predict(x[t])
        model.update(x[t], y[t])
        if t % 1000 == 999:
            mse = errors[t - 999 : t + 1].pow(2).mean().item()
            print(f"after {t + 1} samples: mse before update {mse:.4f} weight norm {model.weights.norm():.2f}")
    late = errors[6000:]
    print(f"score: {1 - (late.pow(2).mean() / y[6000:].var()).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
