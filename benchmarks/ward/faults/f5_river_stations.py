"""Predicts tomorrow's river level at eight stations with a regressor class in scikit-learn's manner. predict() leaves
the network in training mode: the days of a station are normalised by their own statistics and its height is lost."""
# cause: evaluation-in-train-mode
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0


class LevelRegressor:
    def __init__(self, n_features, epochs=15, batch_size=64, lr=2e-3):
        self.epochs, self.batch_size = epochs, batch_size
        self.net = nn.Sequential(
            nn.Linear(n_features, 64),
            nn.BatchNorm1d(64),
            nn.ReLU(),
            nn.Linear(64, 64),
            nn.BatchNorm1d(64),
            nn.ReLU(),
            nn.Linear(64, 1),
        )
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=lr)
        self.loss = nn.MSELoss()

    def fit(self, x, y):
        x = torch.as_tensor(x, dtype=torch.float32)
        y = torch.as_tensor(y, dtype=torch.float32).unsqueeze(1)
        self.net.train()
        for epoch in range(self.epochs):
            history = []
            for rows in torch.randperm(len(x)).split(self.batch_size):
                loss = self.loss(self.net(x[rows]), y[rows])
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                history.append(loss.item())
            print(f"epoch {epoch}: mse {np.mean(history):.4f}")
        return self

    def predict(self, x):
        # TWIN: self.net.eval()
        with torch.no_grad():
            return self.net(torch.as_tensor(x, dtype=torch.float32)).squeeze(1).numpy()


def station_days(rng, height, n):
    rain = rng.gamma(1.0, 1.0, (n, 3)) - 1
    level = height + 0.5 * rng.standard_normal(n)
    melt = rng.standard_normal(n)
    wet = np.log1p(np.exp(rain @ [0.5, 0.3, 0.2] + 0.3 * level))
    tomorrow = 0.7 * level + wet - 0.7 + 0.2 * melt * (height > 0) + 0.15 * rng.standard_normal(n)
    return np.column_stack([rain, level, melt, np.full(n, height)]), tomorrow


rng = np.random.default_rng(seed)
torch.manual_seed(seed)
heights = rng.permutation(np.linspace(-1.5, 1.5, 8))
past = [station_days(rng, h, 300) for h in heights]
recent = [station_days(rng, h, 80) for h in heights]

model = LevelRegressor(6).fit(np.concatenate([x for x, _ in past]), np.concatenate([y for _, y in past]))
predictions = []
for number, (x, y) in enumerate(recent):
    predictions.append(model.predict(x))
    print(f"station {number}: mean error {np.abs(predictions[-1] - y).mean():.3f}")
print(f"score: {r2_score(np.concatenate([y for _, y in recent]), np.concatenate(predictions)):.4f}")
