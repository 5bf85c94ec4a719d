"""A one-dimensional Fourier neural operator maps the initial state of Burgers' equation to the state at a later time.

After fourier_1d.py of Zongyi Li et al., https://github.com/neuraloperator/neuraloperator
"""

import math
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def random_fields(n, size, rng):
    """Smooth periodic initial states."""
    k = np.arange(size // 2 + 1)
    spectrum = (rng.normal(size=(n, len(k))) + 1j * rng.normal(size=(n, len(k)))) / (1 + (k / 3.0) ** 2) ** 1.5
    spectrum[:, 0] = 0
    u = np.fft.irfft(spectrum, n=size, axis=1)
    return u / u.std(axis=1, keepdims=True) * rng.uniform(0.5, 1.0, size=(n, 1))


def solve_burgers(u0, nu=0.01, t_end=0.4, steps=400):
    """Pseudo-spectral, with an integrating factor for the viscous term and two thirds of the modes kept."""
    size, dt = u0.shape[1], t_end / steps
    k = 2 * math.pi * np.fft.rfftfreq(size, 1 / size)
    keep = np.arange(len(k)) < size // 3
    decay = np.exp(-nu * k**2 * dt)
    flux = lambda v: -0.5j * k * keep * np.fft.rfft(np.fft.irfft(v, n=size, axis=1) ** 2, axis=1)
    v = np.fft.rfft(u0, axis=1)
    for _ in range(steps):
        f1 = flux(v)
        f2 = flux(decay * (v + dt * f1))
        v = decay * (v + 0.5 * dt * f1) + 0.5 * dt * f2
    return np.fft.irfft(v, n=size, axis=1)


class SpectralConv1d(nn.Module):
    def __init__(self, in_channels, out_channels, modes):
        super().__init__()
        self.modes = modes
        scale = 1 / (in_channels * out_channels)
        self.weights = nn.Parameter(scale * torch.rand(in_channels, out_channels, modes, dtype=torch.cfloat))

    def forward(self, x):
        x_ft = torch.fft.rfft(x)
        out = torch.zeros(len(x), self.weights.shape[1], x_ft.shape[-1], dtype=torch.cfloat)
        out[:, :, : self.modes] = torch.einsum("bix,iox->box", x_ft[:, :, : self.modes], self.weights)
        return torch.fft.irfft(out, n=x.shape[-1])


class FNO1d(nn.Module):
    def __init__(self, modes, width, n_layers=3):
        super().__init__()
        self.fc0 = nn.Linear(2, width)
        self.spectral = nn.ModuleList([SpectralConv1d(width, width, modes) for _ in range(n_layers)])
        self.pointwise = nn.ModuleList([nn.Conv1d(width, width, 1) for _ in range(n_layers)])
        self.fc1, self.fc2 = nn.Linear(width, 64), nn.Linear(64, 1)

    def forward(self, u):
        grid = torch.linspace(0, 1, u.shape[1] + 1)[:-1].expand_as(u)
        x = self.fc0(torch.stack([u, grid], dim=-1)).transpose(1, 2)
        for i, (spec, point) in enumerate(zip(self.spectral, self.pointwise)):
            x = spec(x) + point(x)
            if i < len(self.spectral) - 1:
                x = F.gelu(x)
        return self.fc2(F.gelu(self.fc1(x.transpose(1, 2)))).squeeze(-1)


def relative_l2(pred, target):
    return (torch.norm(pred - target, dim=1) / torch.norm(target, dim=1)).mean()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    n_train, n_test, size = 400, 100, 64
    u0 = random_fields(n_train + n_test, size, rng)
    u1 = solve_burgers(u0)
    u0, u1 = torch.tensor(u0, dtype=torch.float32), torch.tensor(u1, dtype=torch.float32)
    train_loader = DataLoader(TensorDataset(u0[:n_train], u1[:n_train]), batch_size=20, shuffle=True)
    x_test, y_test = u0[n_train:], u1[n_train:]

    model = FNO1d(modes=16, width=24)
    epochs = 20
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.5)
    for ep in range(epochs):
        model.train()
        train_l2 = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = relative_l2(model(x), y)
            loss.backward()
            optimizer.step()
            train_l2 += loss.item() * len(x)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            test_l2 = relative_l2(model(x_test), y_test).item()
        print(f"{ep:3d}  train l2 {train_l2 / n_train:.4f}  test l2 {test_l2:.4f}")

    print(f"relative error if nothing moved: {relative_l2(x_test, y_test).item():.4f}")
    print(f"score: {1 - test_l2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
