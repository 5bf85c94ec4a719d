"""A conditional neural process learns to regress new one-dimensional functions from a handful of points.

After https://github.com/google-deepmind/neural-processes (Garnelo et al. 2018) and its PyTorch versions.
"""

import sys

import torch
import torch.nn as nn
from torch.distributions import Normal


class GPCurves:
    """Curves from Gaussian processes with an RBF kernel, whose length and height differ from curve to curve."""

    def __init__(self, batch_size, max_context, generator, testing=False):
        self.batch_size, self.max_context, self.generator, self.testing = batch_size, max_context, generator, testing

    def rand(self, *size):
        return torch.rand(*size, generator=self.generator)

    def sample(self):
        n_context = int(torch.randint(3, self.max_context + 1, (1,), generator=self.generator))
        n_target = 40 if self.testing else int(torch.randint(5, 16, (1,), generator=self.generator))
        x = 4 * self.rand(self.batch_size, n_context + n_target, 1) - 2
        length = 0.6 + 0.6 * self.rand(self.batch_size, 1, 1)
        height = 0.7 + 0.6 * self.rand(self.batch_size, 1, 1)
        kernel = height**2 * torch.exp(-0.5 * ((x - x.transpose(1, 2)) / length) ** 2)
        kernel = kernel + 0.02**2 * torch.eye(x.shape[1])
        noise = torch.randn(self.batch_size, x.shape[1], 1, generator=self.generator, dtype=torch.float64)
        y = (torch.linalg.cholesky(kernel.double()) @ noise).float()
        return x[:, :n_context], y[:, :n_context], x[:, n_context:], y[:, n_context:]


def mlp(sizes):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class CNP(nn.Module):
    def __init__(self, hidden=64, representation=64):
        super().__init__()
        self.encoder = mlp([2, hidden, hidden, representation])
        self.decoder = mlp([representation + 1, hidden, hidden, 2])

    def forward(self, x_context, y_context, x_target):
        r = self.encoder(torch.cat([x_context, y_context], dim=-1)).mean(dim=1, keepdim=True)
        r = r.expand(-1, x_target.shape[1], -1)
        mu, raw = self.decoder(torch.cat([r, x_target], dim=-1)).chunk(2, dim=-1)
        return Normal(mu, 0.05 + 0.95 * nn.functional.softplus(raw))


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    train_data = GPCurves(32, 12, torch.Generator().manual_seed(seed))
    test_data = GPCurves(48, 12, torch.Generator().manual_seed(seed + 777), testing=True)
    test_batches = [test_data.sample() for _ in range(6)]

    model = CNP()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    iterations, plot_after = 800, 100
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=iterations, eta_min=1e-5)

    def test():
        model.eval()
        ll, mse, total = 0.0, 0.0, 0.0
        with torch.no_grad():
            for xc, yc, xt, yt in test_batches:
                dist = model(xc, yc, xt)
                ll += dist.log_prob(yt).mean().item() / len(test_batches)
                mse += (dist.mean - yt).pow(2).mean().item()
                total += yt.pow(2).mean().item()
        return ll, 1 - mse / total

    running = 0.0
    for it in range(1, iterations + 1):
        model.train()
        xc, yc, xt, yt = train_data.sample()
        dist = model(xc, yc, torch.cat([xc, xt], dim=1))  # the targets include the context, as in the paper
        loss = -dist.log_prob(torch.cat([yc, yt], dim=1)).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        scheduler.step()
        running += loss.item()
        if it % plot_after == 0:
            ll, explained = test()
            print(
                f"Iteration: {it}, loss: {running / plot_after:.4f}, test log-likelihood: {ll:.4f}, explained: {explained:.4f}"
            )
            running = 0.0

    print("log-likelihood without any context: about -1.42")
    print(f"score: {explained:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
