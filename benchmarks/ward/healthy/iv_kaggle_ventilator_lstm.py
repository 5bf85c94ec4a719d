"""Airway pressure along a simulated breath from the valve settings: bidirectional LSTM, L1 loss on the inspiration phase only, ReduceLROnPlateau.

After the LSTM notebooks of Kaggle's "Google Brain - Ventilator Pressure Prediction", https://www.kaggle.com/c/ventilator-pressure-prediction
"""

import copy
import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

STEPS, DT = 40, 0.05


def simulate(n, rng):
    """One-compartment lung: resistance R, compliance C; u_out opens the exhale valve after about a second."""
    R, C = rng.choice([5.0, 20.0, 50.0], n), rng.choice([10.0, 20.0, 50.0], n)
    t = np.arange(STEPS) * DT
    peak, rate = rng.uniform(8, 30, n), rng.uniform(0.5, 3.0, n)
    u_in = peak[:, None] * np.exp(-rate[:, None] * t) * (1 + 0.2 * np.sin(6 * t + rng.uniform(0, 6, (n, 1))))
    u_out = (t[None] >= rng.uniform(0.9, 1.1, (n, 1))).astype(float)
    u_in = u_in * (1 - u_out)
    volume, pressure = np.zeros(n), np.zeros((n, STEPS))
    for k in range(STEPS):
        flow = np.where(u_out[:, k] > 0, -volume / (0.02 * R + 0.2) * 0.5, u_in[:, k])
        volume = np.maximum(volume + DT * flow, 0)
        pressure[:, k] = 5 + 10 * volume / C + 0.02 * R * flow
    pressure += rng.normal(0, 0.15, pressure.shape)
    return R, C, u_in, u_out, pressure


def add_features(R, C, u_in, u_out):
    area = np.cumsum(u_in, 1) * DT
    lag1 = np.concatenate([np.zeros((len(u_in), 1)), u_in[:, :-1]], 1)
    cols = [u_in, u_out, area, lag1, u_in - lag1]
    for values, options in ((R, (5, 20, 50)), (C, (10, 20, 50))):
        cols += [np.repeat((values == o)[:, None], STEPS, 1).astype(float) for o in options]
    return np.stack(cols, -1)


class VentilatorModel(nn.Module):
    def __init__(self, in_dim, hidden=32):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(in_dim, hidden), nn.ReLU())
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Sequential(nn.Linear(2 * hidden, 32), nn.SELU(), nn.Linear(32, 1))
        for name, p in self.lstm.named_parameters():
            if "weight_ih" in name:
                nn.init.xavier_uniform_(p)
            elif "weight_hh" in name:
                nn.init.orthogonal_(p)

    def forward(self, x):
        return self.head(self.lstm(self.mlp(x))[0]).squeeze(-1)


def masked_l1(pred, target, u_out):
    w = 1 - u_out
    return ((pred - target).abs() * w).sum() / w.sum()


def evaluate(model, x, target, u_out, scale):
    model.eval()
    with torch.no_grad():
        return masked_l1(model(x) * scale[1] + scale[0], target, u_out).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    R, C, u_in, u_out, pressure = simulate(1600, rng)
    feats = add_features(R, C, u_in, u_out)
    tr, va, te = np.split(rng.permutation(1600), [1100, 1300])  # by breath
    mean, std = feats[tr].mean((0, 1)), feats[tr].std((0, 1))
    x = torch.tensor((feats - mean) / std, dtype=torch.float32)
    y, out = torch.tensor(pressure, dtype=torch.float32), torch.tensor(u_out, dtype=torch.float32)
    scale = y[tr].mean(), y[tr].std()

    loader = DataLoader(TensorDataset(x[tr], (y[tr] - scale[0]) / scale[1], out[tr]), batch_size=64, shuffle=True)
    model = VentilatorModel(x.shape[-1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    best, best_state = float("inf"), None
    for epoch in range(12):
        model.train()
        total = 0.0
        for xb, yb, ob in loader:
            optimizer.zero_grad()
            loss = masked_l1(model(xb), yb, ob)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        val = evaluate(model, x[va], y[va], out[va], scale)
        scheduler.step(val)
        if val < best:
            best, best_state = val, copy.deepcopy(model.state_dict())
        print(
            f"epoch {epoch + 1:02d} loss {total / len(loader):.4f} val mae {val:.4f} lr {optimizer.param_groups[0]['lr']:.1e}"
        )
    model.load_state_dict(best_state)
    mae = evaluate(model, x[te], y[te], out[te], scale)
    base = masked_l1(y[tr].median(0).values.expand_as(y[te]), y[te], out[te]).item()
    print(f"test mae {mae:.4f}, median breath {base:.4f}")
    print(f"score: {1 - mae / base:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
