"""Mixture of experts on a piecewise regression: the plane has four quadrants with a different linear law each. A
softmax gate weighs four linear experts; an entropy term keeps all of them in use at the start and fades away.
"""

import sys

import numpy as np
import torch
import torch.nn as nn

torch.set_num_threads(1)


class Experts(nn.Module):
    def __init__(self, n_experts=4):
        super().__init__()
        self.gate = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, n_experts))
        self.experts = nn.ModuleList([nn.Linear(2, 1) for _ in range(n_experts)])

    def forward(self, x):
        gate = self.gate(x).softmax(dim=1)
        answers = torch.cat([expert(x) for expert in self.experts], dim=1)
        return (gate * answers).sum(dim=1), gate


def make_data(rng, n, coef, bias):
    x = rng.uniform(-1, 1, (n, 2))
    quadrant = (x[:, 0] > 0) * 2 + (x[:, 1] > 0)
    y = (coef[quadrant] * x).sum(1) + bias[quadrant] + rng.normal(0, 0.05, n)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    coef, bias = rng.normal(0, 1.0, (4, 2)), np.array([-1.0, 0.5, 1.0, -0.5])
    x, y = make_data(rng, 1500, coef, bias)
    x_val, y_val = make_data(rng, 500, coef, bias)
    model = Experts()
    opt = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(40):
        balance_weight = 0.1 * max(0.0, 1 - epoch / 10)
        for idx in torch.from_numpy(rng.permutation(len(x))).split(50):
            out, gate = model(x[idx])
            usage = gate.mean(dim=0)
            loss = (out - y[idx]).pow(2).mean() + balance_weight * (usage * usage.log()).sum()
            opt.zero_grad()
            loss.backward()
            opt.step()
        if epoch % 8 == 7:
            with torch.no_grad():
                out, gate = model(x_val)
                mse = (out - y_val).pow(2).mean().item()
            print(f"epoch {epoch + 1}: mse {mse:.4f} usage", [round(u, 2) for u in gate.mean(0).tolist()])
    print(f"score: {1 - mse / y_val.var().item():.4f}")


if __name__ == "__main__":
    main()
