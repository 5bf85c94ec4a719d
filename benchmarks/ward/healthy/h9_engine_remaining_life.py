"""Remaining useful life of engines from six drifting sensors: windows of 30 cycles into an LSTM, life capped
at 100 cycles, engines (not windows) are split into train and test. Adam with gradient clipping, MSE."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

WINDOW, CAP = 30, 100.0


def simulate_engine(rng, mixing):
    life = int(rng.integers(120, 200))
    t = np.arange(life)
    remaining = life - t
    wear = np.exp(-remaining / rng.uniform(32, 38))
    load = np.cumsum(rng.normal(0, 0.05, life))
    sensors = wear[:, None] * mixing[0] + load[:, None] * mixing[1] * 0.2 + rng.normal(0, 0.08, (life, 6))
    return sensors.astype(np.float32), np.minimum(remaining, CAP).astype(np.float32)


def windows(engines, mean, std, step):
    xs, ys = [], []
    for sensors, rul in engines:
        z = (sensors - mean) / std
        for end in range(WINDOW, len(z) + 1, step):
            xs.append(z[end - WINDOW : end])
            ys.append(rul[end - 1] / CAP)
    return torch.from_numpy(np.stack(xs)), torch.tensor(np.array(ys))


class RULNet(nn.Module):
    def __init__(self, n_sensors, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(n_sensors, hidden, num_layers=1, batch_first=True)
        self.fc = nn.Sequential(nn.Linear(hidden, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x):
        output, _ = self.lstm(x)
        return self.fc(output[:, -1]).squeeze(1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    mixing = rng.choice([-1.0, 1.0], (2, 6)) * rng.uniform(0.5, 1.5, (2, 6))
    engines = [simulate_engine(rng, mixing) for _ in range(50)]
    train_engines, test_engines = engines[:40], engines[40:]
    stacked = np.concatenate([s for s, _ in train_engines])
    mean, std = stacked.mean(0), stacked.std(0)
    train_ds = TensorDataset(*windows(train_engines, mean, std, step=3))
    x_test, y_test = windows(test_engines, mean, std, step=2)

    loader = DataLoader(train_ds, batch_size=64, shuffle=True, drop_last=True)
    model = RULNet(6)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(14):
        model.train()
        losses = []
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            val = nn.functional.mse_loss(model(x_test), y_test).item()
        print(f"epoch {epoch + 1:2d}  train rmse {100 * np.mean(losses) ** 0.5:.2f}  test rmse {100 * val**0.5:.2f}")
    print(f"score: {1 - val / y_test.var(unbiased=False).item():.4f}")


if __name__ == "__main__":
    main()
