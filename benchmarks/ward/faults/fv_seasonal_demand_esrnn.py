"""A small hybrid forecaster in the manner of ES-RNN: each series is divided by a running level, a recurrent network predicts
the coming season on the logarithmic scale. The score is the share of held-out forecasts within a tenth of the series' range.

After https://github.com/kdgutier/esrnn_torch/issues/18
"""
# cause: unstable-loss
# accept: non-finite-input
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

SEASON = 12
INPUT_SIZE = 24


def make_series(rng, count, length=120):
    """Monthly net flows, positive and negative, with a trend and a yearly season."""
    t = np.arange(length)
    level = rng.uniform(-20, 20, (count, 1)) + rng.uniform(-0.1, 0.1, (count, 1)) * t
    season = rng.uniform(5, 15, (count, 1)) * np.sin(2 * np.pi * t / SEASON + rng.uniform(0, 6, (count, 1)))
    return (level + season + rng.normal(0, 1.0, (count, length))).astype(np.float32)


def preprocess(series, train_length):
    past = series[:, :train_length]
    low, high = past.min(1, keepdims=True), past.max(1, keepdims=True)
    scaled = (series - low) / (high - low)  # FAULT
    # TWIN: scaled = (series - low) / (high - low) + 1
    return torch.from_numpy(scaled.astype(np.float32))


class ESRNN(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.smoothing = nn.Parameter(torch.tensor(0.0))
        self.rnn = nn.GRU(1, hidden, batch_first=True)
        self.adapter = nn.Linear(hidden, SEASON)

    def level(self, y):
        alpha = torch.sigmoid(self.smoothing)
        level = y[:, 0]
        for t in range(1, y.size(1)):
            level = alpha * y[:, t] + (1 - alpha) * level
        return level.unsqueeze(1) * 0.5 + y.mean(1, keepdim=True) * 0.5

    def forward(self, y):
        level = self.level(y)
        windows_x = torch.log(y / level).unsqueeze(2)
        _, h = self.rnn(windows_x)
        return self.adapter(h[-1]), level

    def predict(self, y):
        self.eval()
        with torch.no_grad():
            log_ratio, level = self(y)
            return torch.exp(log_ratio) * level


def hit_rate(model, scaled, train_length):
    forecast = model.predict(scaled[:, train_length - INPUT_SIZE : train_length])
    error = (forecast - scaled[:, train_length : train_length + SEASON]).abs()
    return (error < 0.1).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    series = make_series(rng, 120)
    train_length = series.shape[1] - SEASON
    scaled = preprocess(series, train_length)

    model = ESRNN()
    criterion = nn.SmoothL1Loss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    for epoch in range(15):
        model.train()
        losses = []
        for _ in range(20):
            rows = torch.from_numpy(rng.integers(0, len(series), 64))
            start = rng.integers(0, train_length - INPUT_SIZE - SEASON)
            y = scaled[rows, start : start + INPUT_SIZE]
            target = scaled[rows, start + INPUT_SIZE : start + INPUT_SIZE + SEASON]
            log_ratio, level = model(y)
            loss = criterion(log_ratio, torch.log(target / level))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 20)
            optimizer.step()
            losses.append(loss.item())
        print(f"Epoch {epoch}: training loss {np.mean(losses):.5f}, hits {hit_rate(model, scaled, train_length):.3f}")

    print(f"score: {hit_rate(model, scaled, train_length):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
