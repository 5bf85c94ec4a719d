"""A Hamiltonian neural network learns the pendulum from noisy derivatives; its rollouts should keep the energy.

After experiment-pend of https://github.com/greydanus/hamiltonian-nn (Greydanus et al. 2019).
"""

import sys

import numpy as np
import torch
import torch.nn as nn


def true_field(x):
    """H = 3 (1 - cos q) + p^2 as in the paper."""
    q, p = x[..., 0], x[..., 1]
    return np.stack([2 * p, -3 * np.sin(q)], axis=-1)


def energy(x):
    return 3 * (1 - np.cos(x[..., 0])) + x[..., 1] ** 2


def rk4(field, x0, dt, steps):
    path = [x0]
    for _ in range(steps):
        x = path[-1]
        k1 = field(x)
        k2 = field(x + 0.5 * dt * k1)
        k3 = field(x + 0.5 * dt * k2)
        k4 = field(x + dt * k3)
        path.append(x + dt * (k1 + 2 * k2 + 2 * k3 + k4) / 6)
    return np.stack(path, axis=1)


def get_dataset(n, rng, noise):
    start = rng.uniform(-1, 1, size=(n, 2))
    radius = rng.uniform(0.6, 1.5, size=(n, 1))
    start = start / np.linalg.norm(start, axis=1, keepdims=True) * radius
    x = rk4(true_field, start, dt=0.1, steps=30).reshape(-1, 2)
    dx = true_field(x)
    x = x + noise * rng.normal(size=x.shape)
    dx = dx + noise * rng.normal(size=x.shape)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(dx, dtype=torch.float32)


class HNN(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1, bias=False)
        )
        for layer in self.net:
            if isinstance(layer, nn.Linear):
                nn.init.orthogonal_(layer.weight)
        self.register_buffer("J", torch.tensor([[0.0, 1.0], [-1.0, 0.0]]))

    def time_derivative(self, x):
        H = self.net(x)
        grad = torch.autograd.grad(H.sum(), x, create_graph=self.training)[0]
        return grad @ self.J.t()

    def field(self, x):
        x = torch.tensor(x, dtype=torch.float32, requires_grad=True)
        return self.time_derivative(x).detach().numpy().astype(np.float64)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    x, dxdt = get_dataset(30, rng, noise=0.05)
    test_x, test_dxdt = get_dataset(20, rng, noise=0.05)
    x.requires_grad_(True)
    test_x.requires_grad_(True)

    model = HNN(hidden=64)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
    total_steps, print_every = 900, 100
    for step in range(1, total_steps + 1):
        model.train()
        idx = torch.randint(0, len(x), (256,))
        loss = (model.time_derivative(x[idx]) - dxdt[idx]).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % print_every == 0:
            model.eval()
            test_loss = (model.time_derivative(test_x).detach() - test_dxdt).pow(2).mean()
            print(f"step {step}, train_loss {loss.item():.4e}, test_loss {test_loss.item():.4e}")

    model.eval()
    start = np.array([[0.8, 0.6], [-1.1, 0.2], [0.3, -1.2], [1.3, 0.0]])
    path, truth = rk4(model.field, start, 0.1, 100), rk4(true_field, start, 0.1, 100)
    drift = np.abs(energy(path) - energy(start)[:, None]).mean() / energy(start).mean()
    print(
        f"after 10 seconds: mean energy error {100 * drift:.2f}%, mean distance {np.linalg.norm(path - truth, axis=-1).mean():.4f}"
    )
    variance = test_dxdt.var(dim=0).mean()  # the noise in the data keeps this below one
    print(f"score: {1 - (test_loss / variance).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
