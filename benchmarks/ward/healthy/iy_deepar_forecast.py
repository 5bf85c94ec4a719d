"""DeepAR: an autoregressive LSTM with a Gaussian likelihood, scaled inputs and sampled forecasts for many related series.

After https://github.com/zhykoties/TimeSeries (Salinas et al., "DeepAR").
"""

import math
import sys

import numpy as np
import torch
import torch.nn as nn

CONDITION, HORIZON = 28, 14


def make_series(n_series, length, rng):
    """Daily demand: level, slow trend, weekly pattern that belongs to one of four groups, noise that grows with level."""
    day = np.arange(length)
    level = np.exp(rng.normal(3.0, 0.8, size=(n_series, 1)))
    trend = 1 + rng.normal(0, 0.0012, size=(n_series, 1)) * day
    patterns = 1 + 0.4 * rng.normal(size=(4, 7)).clip(-1.5, 1.5)
    group = rng.integers(0, 4, size=n_series)
    weekly = patterns[group][:, day % 7]
    noise = np.zeros((n_series, length))
    for t in range(1, length):
        noise[:, t] = 0.7 * noise[:, t - 1] + rng.normal(0, 0.06, size=n_series)
    return (level * trend * weekly * np.exp(noise)).astype(np.float32), group


def windows(series, groups, starts, rows):
    """Scaled windows (by the mean of the conditioning range), day of the week and group as covariates, and the scales."""
    length = CONDITION + HORIZON
    z = np.stack([series[r, s : s + length] for r, s in zip(rows, starts)])
    scale = 1 + z[:, :CONDITION].mean(axis=1, keepdims=True)
    days = (np.asarray(starts)[:, None] + np.arange(length)[None, :]) % 7
    group = np.repeat(groups[rows][:, None], length, axis=1)
    cov = np.concatenate([np.eye(7)[days], np.eye(4)[group]], axis=-1).astype(np.float32)
    return torch.from_numpy(z / scale), torch.from_numpy(cov), torch.from_numpy(scale)


class DeepAR(nn.Module):
    def __init__(self, cov_dim, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(1 + cov_dim, hidden, num_layers=1, batch_first=True)
        for name, param in self.lstm.named_parameters():
            if "bias_ih" in name:  # forget gates start open
                nn.init.zeros_(param)
                param.data[hidden : 2 * hidden].fill_(1.0)
        self.dropout = nn.Dropout(0.1)
        self.mu = nn.Linear(hidden, 1)
        self.presigma = nn.Linear(hidden, 1)

    def forward(self, lagged, cov, state=None):
        h, state = self.lstm(torch.cat([lagged.unsqueeze(-1), cov], dim=-1), state)
        h = self.dropout(h)
        return self.mu(h).squeeze(-1), nn.functional.softplus(self.presigma(h)).squeeze(-1) + 1e-4, state

    @torch.no_grad()
    def sample(self, z, cov, n_samples=50):
        """Ancestral sampling over the horizon; z beyond the conditioning range is not looked at."""
        z = z[:, :CONDITION].repeat_interleave(n_samples, dim=0)
        cov = cov.repeat_interleave(n_samples, dim=0)
        mu, sigma, state = self(z[:, :-1], cov[:, 1:CONDITION])
        last, out = z[:, -1:], []
        for t in range(CONDITION, CONDITION + HORIZON):
            mu, sigma, state = self(last, cov[:, t : t + 1], state)
            last = torch.normal(mu, sigma)
            out.append(last)
        return torch.cat(out, dim=1).view(-1, n_samples, HORIZON)


def gaussian_nll(mu, sigma, target):
    return (0.5 * ((target - mu) / sigma) ** 2 + sigma.log() + 0.5 * math.log(2 * math.pi)).mean()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    length = 280
    series, groups = make_series(120, length, rng)
    train_end = length - HORIZON  # the last two weeks are only for the test
    weights = series[:, :train_end].mean(axis=1)
    weights = weights / weights.sum()  # larger series are drawn more often, as in the paper

    model = DeepAR(cov_dim=11)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    steps = 600
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=steps)
    model.train()
    losses = []
    for step in range(1, steps + 1):
        rows = rng.choice(len(series), size=48, p=weights)
        starts = rng.integers(0, train_end - CONDITION - HORIZON + 1, size=48)
        z, cov, _ = windows(series, groups, starts, rows)
        mu, sigma, _ = model(z[:, :-1], cov[:, 1:])
        loss = gaussian_nll(mu, sigma, z[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
        if step % 100 == 0:
            print(f"step {step:4d}  nll {np.mean(losses[-100:]):.4f}  lr {scheduler.get_last_lr()[0]:.2e}")

    model.eval()
    rows = np.arange(len(series))
    z, cov, scale = windows(series, groups, np.full(len(series), length - CONDITION - HORIZON), rows)
    samples = model.sample(z, cov) * scale[:, :, None]
    truth = (z * scale)[:, CONDITION:]
    forecast = samples.median(dim=1).values
    naive = (z * scale)[:, CONDITION - 7 : CONDITION].repeat(1, 2)
    nd = lambda f: ((f - truth).abs().sum() / truth.abs().sum()).item()
    low, high = samples.quantile(0.1, dim=1), samples.quantile(0.9, dim=1)
    coverage = ((truth >= low) & (truth <= high)).float().mean().item()
    print(
        f"normalized deviation {nd(forecast):.4f}, last week again {nd(naive):.4f}, coverage of the 80% band {coverage:.3f}"
    )
    print(f"score: {1 - nd(forecast):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
