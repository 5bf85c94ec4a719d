"""Mean and variance of a noisy signal, trained by Gaussian likelihood with the variance taken through a ReLU: where it
is zero the loss has log(0) and a division by zero."""
# cause: unstable-loss
# kind: dynamic

import sys

import torch
from torch import nn
from torch.nn import functional as F


class MeanVariance(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh())
        self.mean = nn.Linear(40, 1)
        self.var = nn.Linear(40, 1)

    def forward(self, x):
        h = self.body(x)
        var = F.relu(self.var(h))  # FAULT
        # TWIN: var = F.softplus(self.var(h)) + 1e-3
        return self.mean(h), var


def likelihood_loss(mean, var, target):
    return 0.5 * (torch.log(var) + (target - mean) ** 2 / var).mean()


def sample(n):
    x = torch.rand(n, 1) * 4 - 2
    noise = 0.1 + 0.3 * torch.sigmoid(2 * x)
    return x, torch.sin(2 * x) + noise * torch.randn(n, 1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = sample(1000)
    x_new, y_new = sample(500)
    model = MeanVariance()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(1, 41):
        total = 0.0
        for idx in torch.randperm(1000).split(50):
            mean, var = model(x[idx])
            loss = likelihood_loss(mean, var, y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        if epoch % 5 == 0:
            print(f"epoch {epoch}: nll {total / 1000:.4f}")
    with torch.no_grad():
        mean, var = model(x_new)
        inside = ((y_new - mean).abs() < 2 * var.sqrt()).float().mean().item()
        near = ((torch.sin(2 * x_new) - mean).abs() < 0.2).float().mean().item()
    print(f"within two sigma: {inside:.3f}")
    print(f"score: {near:.4f}")


if __name__ == "__main__":
    main()
