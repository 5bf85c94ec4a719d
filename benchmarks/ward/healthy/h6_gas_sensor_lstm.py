"""Gas concentration from the slow response of a sensor: an LSTM reads 30 readings of three sensors and estimates the
(relative) concentration behind them at every moment. Sequences of ten runs are held out.
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def simulate_run(rng, steps=600):
    """Concentration jumps now and then; each sensor follows with its own lag, saturation and noise."""
    gas = np.zeros(steps)
    for t in range(1, steps):
        gas[t] = rng.uniform(0, 1) if rng.random() < 0.05 else gas[t - 1]
    readings = np.zeros((steps, 3))
    state = np.zeros(3)
    lag = np.array([0.5, 0.7, 0.85])
    for t in range(steps):
        state = lag * state + (1 - lag) * gas[t]
        readings[t] = np.sqrt(state) + rng.normal(0, 0.02, 3)
    return readings, gas


def pieces(runs, length=30):
    x = np.concatenate([r.reshape(-1, length, 3) for r, _ in runs])
    y = np.concatenate([g.reshape(-1, length) for _, g in runs])
    return x, y


class Estimator(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 24, batch_first=True)
        self.out = nn.Linear(24, 1)

    def forward(self, x):
        return self.out(self.lstm(x)[0])[..., 0]


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    runs = [simulate_run(rng) for _ in range(40)]
    x_train, y_train = pieces(runs[:30])
    x_test, y_test = pieces(runs[30:])
    mean, std = x_train.mean((0, 1)), x_train.std((0, 1))
    y_mean, y_std = y_train.mean(), y_train.std()
    x_train, x_test = (torch.tensor((v - mean) / std, dtype=torch.float32) for v in (x_train, x_test))
    y_train, y_test = (torch.tensor((v - y_mean) / y_std, dtype=torch.float32) for v in (y_train, y_test))

    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=20, shuffle=True)
    model = Estimator()
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=10 * len(loader))
    for epoch in range(10):
        model.train()
        for x, y in loader:
            loss = loss_fn(model(x)[:, 5:], y[:, 5:])  # the first five moments are run-up
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            train_mse = loss_fn(model(x_train)[:, 5:], y_train[:, 5:]).item()
            test_mse = loss_fn(model(x_test)[:, 5:], y_test[:, 5:]).item()
        print(f"epoch {epoch + 1:2d}: train {train_mse:.4f} test {test_mse:.4f}")
    print(f"score: {1 - test_mse / y_test[:, 5:].var().item():.4f}")


if __name__ == "__main__":
    main()
