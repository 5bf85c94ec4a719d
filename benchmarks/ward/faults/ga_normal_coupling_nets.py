"""Density estimation on two moons with RealNVP: six affine coupling layers, maximum likelihood; held-out log-likelihood
beside that of one fitted Gaussian.

After https://github.com/senya-ashukha/real-nvp-pytorch and Dinh et al., https://arxiv.org/abs/1605.08803
"""
# cause: bad-initialization
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import make_moons
from torch import distributions, nn


def mlp(last=None):
    layers = [nn.Linear(2, 48), nn.LeakyReLU(), nn.Linear(48, 48), nn.LeakyReLU(), nn.Linear(48, 2)]
    return nn.Sequential(*layers, last) if last is not None else nn.Sequential(*layers)


class RealNVP(nn.Module):
    def __init__(self, masks, prior):
        super().__init__()
        self.prior = prior
        self.register_buffer("mask", masks)
        self.t = nn.ModuleList(mlp() for _ in masks)
        self.s = nn.ModuleList(mlp(nn.Tanh()) for _ in masks)
        self.apply(self.init_weights)  # FAULT

    # FAULT
    @staticmethod  # FAULT
    def init_weights(m):  # FAULT
        if isinstance(m, nn.Linear):  # FAULT
            nn.init.normal_(m.weight, mean=0.0, std=1.0)  # FAULT
            nn.init.zeros_(m.bias)  # FAULT

    def g(self, z):
        """From latent to data space."""
        x = z
        for i in range(len(self.t)):
            x_ = x * self.mask[i]
            s, t = self.s[i](x_) * (1 - self.mask[i]), self.t[i](x_) * (1 - self.mask[i])
            x = x_ + (1 - self.mask[i]) * (x * torch.exp(s) + t)
        return x

    def f(self, x):
        """From data to latent space, with the log determinant."""
        log_det, z = x.new_zeros(len(x)), x
        for i in reversed(range(len(self.t))):
            z_ = self.mask[i] * z
            s, t = self.s[i](z_) * (1 - self.mask[i]), self.t[i](z_) * (1 - self.mask[i])
            z = (1 - self.mask[i]) * (z - t) * torch.exp(-s) + z_
            log_det = log_det - s.sum(dim=1)
        return z, log_det

    def log_prob(self, x):
        z, log_det = self.f(x)
        return self.prior.log_prob(z) + log_det

    def sample(self, n):
        return self.g(self.prior.sample((n,)))


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    test = make_moons(2000, noise=0.06, random_state=100_000 + seed)[0]
    train = make_moons(8000, noise=0.06, random_state=seed)[0]
    mean, std = train.mean(0), train.std(0)
    train = torch.from_numpy(((train - mean) / std).astype(np.float32))
    test = torch.from_numpy(((test - mean) / std).astype(np.float32))

    masks = torch.tensor([[0.0, 1.0], [1.0, 0.0]] * 3)
    prior = distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
    flow = RealNVP(masks, prior)
    steps = 420
    optimizer = torch.optim.Adam(flow.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.05, total_iters=steps)
    for step in range(steps):
        batch = train[torch.randint(len(train), (256,))]
        loss = -flow.log_prob(batch).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
        optimizer.step()
        scheduler.step()
        if step % 60 == 0 or step == steps - 1:
            print(f"iter {step}: loss = {loss.item():.3f}")

    flow.eval()
    with torch.no_grad():
        held_out = flow.log_prob(test).mean().item()
        z, _ = flow.f(test)
        print(f"inversion error {(flow.g(z) - test).abs().max():.1e}")
        gaussian = distributions.MultivariateNormal(train.mean(0), torch.cov(train.T)).log_prob(test).mean().item()
    print(f"held-out log-likelihood: flow {held_out:.4f}, one Gaussian {gaussian:.4f}")
    print(f"score: {held_out - gaussian:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
