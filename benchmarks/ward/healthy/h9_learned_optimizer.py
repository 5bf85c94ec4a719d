"""Learning to learn: a coordinate-wise GRU receives gradients of random quadratics and proposes the updates; it is
trained through twenty unrolled steps. Score: share of unseen problems where it ends below tuned gradient descent."""

import sys

import torch
from torch import nn


class LearnedOptimizer(nn.Module):
    def __init__(self, hidden=20):
        super().__init__()
        self.hidden = hidden
        self.cell = nn.GRUCell(2, hidden)
        self.out = nn.Linear(hidden, 1)

    def features(self, g):
        size = torch.log(g.abs() + 1e-6) / 6.0
        return torch.stack([size, torch.tanh(10 * g)], dim=-1)

    def forward(self, g, h):
        h = self.cell(self.features(g).flatten(0, 1), h)
        return 0.1 * self.out(h).view_as(g), h


def sample_problems(n, dim=6):
    a = torch.randn(n, dim, dim) / dim**0.5
    b = torch.randn(n, dim)
    return a, b


def objective(theta, a, b):
    return 0.5 * (torch.einsum("nij,nj->ni", a, theta) - b).pow(2).sum(-1)


def gradient(theta, a, b):
    residual = torch.einsum("nij,nj->ni", a, theta) - b
    return torch.einsum("nij,ni->nj", a, residual)


def unroll(net, a, b, steps=20):
    theta, h, trace = torch.zeros_like(b), b.new_zeros(b.numel(), net.hidden), []
    for _ in range(steps):
        update, h = net(gradient(theta, a, b).detach(), h)
        theta = theta + update
        trace.append(objective(theta, a, b))
    return torch.stack(trace)


def gradient_descent(a, b, lr, steps=20):
    theta = torch.zeros_like(b)
    for _ in range(steps):
        theta = theta - lr * gradient(theta, a, b)
    return objective(theta, a, b)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    net = LearnedOptimizer()
    meta_optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(meta_optimizer, T_max=250)
    for iteration in range(250):
        a, b = sample_problems(32)
        meta_loss = unroll(net, a, b).mean()
        meta_optimizer.zero_grad()
        meta_loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        meta_optimizer.step()
        schedule.step()
        if iteration % 25 == 24:
            print(f"iteration {iteration + 1}: mean objective along the path {meta_loss.item():.4f}")

    a, b = sample_problems(200)
    best_lr = min((0.05, 0.1, 0.2, 0.3, 0.4, 0.5), key=lambda lr: gradient_descent(a, b, lr).mean().item())
    with torch.no_grad():
        learned, plain = unroll(net, a, b)[-1], gradient_descent(a, b, best_lr)
    print(f"start {objective(torch.zeros_like(b), a, b).mean():.4f}")
    print(f"after 20 steps: learned {learned.mean():.4f}, gradient descent (lr {best_lr}) {plain.mean():.4f}")
    print(f"score: {(learned < plain).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
