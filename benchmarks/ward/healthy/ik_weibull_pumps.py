"""Lifetimes of pumps, a third of them still running when the study ended: Weibull regression with censoring, scale and
shape from a small network. Full batches, Rprop, early stopping on a validation part, concordance on a test part.
"""

import copy
import sys

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.set_num_threads(1)


def pumps(n, rng):
    load, heat, age = rng.uniform(0.3, 1.1, n), rng.normal(60, 12, n), rng.integers(0, 20, n)
    grit = rng.gamma(2.0, 0.5, n)
    log_scale = 3.2 - 1.4 * load**2 - 0.02 * (heat - 60) - 0.04 * age - 0.35 * grit * (load > 0.7)
    life = np.exp(log_scale) * rng.weibull(2.2, n)
    end = rng.uniform(3, 25, n)
    return np.column_stack([load, heat, age, grit]), np.minimum(life, end), (life <= end).astype(float)


def concordance(risk, time, event):
    earlier = (time[:, None] < time[None]) & (event[:, None] > 0)
    right = (risk[:, None] > risk[None]) & earlier
    return right.sum().item() / earlier.sum().item()


class Survival(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(n_in, 16), nn.Tanh(), nn.Dropout(0.05), nn.Linear(16, 8), nn.Tanh())
        self.scale, self.shape = nn.Linear(8, 1), nn.Linear(8, 1)

    def forward(self, x):
        h = self.trunk(x)
        return self.scale(h)[:, 0] + 2.0, torch.nn.functional.softplus(self.shape(h)[:, 0] + 1.0) + 0.1


def negative_log_likelihood(log_scale, shape, time, event):
    z = shape * (time.log() - log_scale)
    return (z.exp() - event * (z + shape.log() - time.log())).mean()


def main(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    parts = [pumps(n, rng) for n in (3000, 800, 1200)]
    scaler = StandardScaler().fit(parts[0][0])
    (x, t, e), (xv, tv, ev), (xt, tt, et) = [
        tuple(torch.tensor(a, dtype=torch.float32) for a in (scaler.transform(p[0]), p[1], p[2])) for p in parts
    ]
    print(f"failures seen: {e.mean().item():.2f}")
    model = Survival(x.shape[1])
    optimizer = torch.optim.Rprop(model.parameters(), lr=1e-3, step_sizes=(1e-6, 0.02))
    best, kept, waited = float("inf"), None, 0
    for step in range(500):
        model.train()
        loss = negative_log_likelihood(*model(x), t, e)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            valid = negative_log_likelihood(*model(xv), tv, ev).item()
        if valid < best - 1e-4:
            best, kept, waited = valid, copy.deepcopy(model.state_dict()), 0
        else:
            waited += 1
        if step % 25 == 0:
            print(f"step {step} train {loss.item():.4f} valid {valid:.4f}")
        if waited > 60:
            print(f"no better for 60 steps: stopped at {step}")
            break
    model.load_state_dict(kept)
    model.eval()
    with torch.no_grad():
        log_scale, _ = model(xt)
    print(f"score: {concordance(-log_scale, tt, et):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
