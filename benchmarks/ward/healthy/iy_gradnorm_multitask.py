"""Three regression tasks of very different scales share a trunk; GradNorm keeps the balance between their gradients.

After https://github.com/brianlan/pytorch-grad-norm (Chen et al., "GradNorm"), with a separate optimizer for the task weights.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def make_tasks(n, sigmas, rng, dim=20, shared=8):
    """y_i = sigma_i * tanh((B + eps_i) x) summed up, a common matrix with a small part of each task's own."""
    B = rng.normal(0, 1.0, size=(shared, dim))
    x = rng.normal(size=(n, dim))
    mix = rng.normal(0, 1.0, size=(len(sigmas), shared))
    targets = []
    for sigma, w in zip(sigmas, mix):
        eps = rng.normal(0, 0.3, size=B.shape)
        clean = np.tanh(x @ (B + eps).T / np.sqrt(dim)) @ w
        targets.append(sigma * (clean + 0.05 * rng.normal(size=n)))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(np.stack(targets, axis=1), dtype=torch.float32)


class MultiTaskNet(nn.Module):
    def __init__(self, dim, n_tasks, hidden=64):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.heads = nn.ModuleList([nn.Linear(hidden, 1) for _ in range(n_tasks)])

    def forward(self, x):
        h = self.trunk(x)
        return torch.cat([head(h) for head in self.heads], dim=1)

    def last_shared_layer(self):
        return self.trunk[2].weight


class GradNorm:
    def __init__(self, n_tasks, alpha, lr):
        self.weights = nn.Parameter(torch.ones(n_tasks))
        self.optimizer = torch.optim.Adam([self.weights], lr=lr)
        self.alpha, self.initial = alpha, None

    def update(self, task_losses, shared_weight):
        """Moves the weights so that tasks that learn slowly get larger gradients in the last shared layer."""
        if self.initial is None:
            self.initial = task_losses.detach().clone()
        plain = torch.stack(
            [torch.autograd.grad(loss, shared_weight, retain_graph=True)[0].norm() for loss in task_losses]
        )
        norms = self.weights * plain.detach()
        ratio = task_losses.detach() / self.initial
        target = (norms.mean() * (ratio / ratio.mean()) ** self.alpha).detach()
        self.optimizer.zero_grad()
        (norms - target).abs().sum().backward()
        self.optimizer.step()
        with torch.no_grad():  # positive, and they add up to the number of tasks
            self.weights.clamp_(min=1e-3)
            self.weights.mul_(len(self.weights) / self.weights.sum())


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    sigmas = (1.0, 3.0, 8.0)
    x, y = make_tasks(3500, sigmas, np.random.default_rng(seed))
    train_loader = DataLoader(TensorDataset(x[:3000], y[:3000]), batch_size=100, shuffle=True)
    x_test, y_test = x[3000:], y[3000:]

    model = MultiTaskNet(x.shape[1], len(sigmas))
    gradnorm = GradNorm(len(sigmas), alpha=0.5, lr=0.02)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    epochs = 24
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[12, 18], gamma=0.3)

    def r2():
        model.eval()
        with torch.no_grad():
            residual = (model(x_test) - y_test).pow(2).mean(0)
        return 1 - residual / y_test.var(0)

    for epoch in range(1, epochs + 1):
        model.train()
        sums = torch.zeros(len(sigmas))
        for xb, yb in train_loader:
            task_losses = (model(xb) - yb).pow(2).mean(0)
            weights = gradnorm.weights.detach().clone()
            gradnorm.update(task_losses, model.last_shared_layer())
            optimizer.zero_grad()
            (weights * task_losses).sum().backward()
            optimizer.step()
            sums += task_losses.detach()
        scheduler.step()
        if epoch % 3 == 0:
            fmt = lambda values: "[" + " ".join(f"{v:.3f}" for v in values.tolist()) + "]"
            print(
                f"{epoch}/{epochs}: task_loss={fmt(sums / len(train_loader))} weights={fmt(gradnorm.weights)} test r2={fmt(r2())}"
            )

    print(f"score: {r2().mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
