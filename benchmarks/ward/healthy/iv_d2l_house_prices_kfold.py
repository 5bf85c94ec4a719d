"""House prices from mixed columns with gaps: k-fold choice of the weight decay, log-price regression, then a final fit and test.

After "Predicting House Prices on Kaggle" of Dive into Deep Learning, https://d2l.ai/chapter_multilayer-perceptrons/kaggle-house-price.html
"""

import sys

import numpy as np
import torch
from sklearn.preprocessing import OneHotEncoder
from torch import nn


def make_houses(n, rng):
    area = rng.gamma(9.0, 13.0, n)
    rooms = np.clip(np.round(area / 28 + rng.normal(0, 1, n)), 1, 9)
    year = rng.integers(1900, 2011, n).astype(float)
    lot = area * rng.lognormal(0.6, 0.4, n)
    zone = rng.choice(["RL", "RM", "FV", "C"], n, p=[0.6, 0.25, 0.1, 0.05])
    heating = rng.choice(["gas", "wall", "none"], n, p=[0.7, 0.2, 0.1])
    zone_effect = np.vectorize({"RL": 0.15, "RM": -0.1, "FV": 0.25, "C": -0.4}.get)(zone)
    heat_effect = np.vectorize({"gas": 0.1, "wall": 0.0, "none": -0.2}.get)(heating)
    log_price = (
        8.3
        + 0.75 * np.log(area)
        + 0.04 * rooms
        + 0.10 * np.log(lot)
        + 0.006 * (year - 1955)
        + 2e-5 * (year - 1955) ** 2
        + zone_effect
        + heat_effect
        + rng.normal(0, 0.12, n)
    )
    numeric = np.stack([area, rooms, year, lot], 1)
    numeric[rng.random(numeric.shape) < 0.05] = np.nan
    return numeric, np.stack([zone, heating], 1), np.exp(log_price)


class Preprocess:
    """Standardize, fill the gaps by the mean (zero), one-hot the categories; fitted on training rows only."""

    def fit(self, numeric, categories):
        self.mean, self.std = np.nanmean(numeric, 0), np.nanstd(numeric, 0)
        self.encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(categories)
        return self

    def __call__(self, numeric, categories):
        z = np.nan_to_num((numeric - self.mean) / self.std)
        x = np.concatenate([z, np.isnan(numeric).astype(float), self.encoder.transform(categories)], 1)
        return torch.tensor(x, dtype=torch.float32)


def get_net(in_features):
    return nn.Sequential(nn.Linear(in_features, 32), nn.ReLU(), nn.Linear(32, 1))


def train(X, y, num_epochs, lr, weight_decay, batch_size=64):
    """Targets are log prices, standardized inside."""
    mu, sd = y.mean(), y.std()
    net = get_net(X.shape[1])
    optimizer = torch.optim.Adam(net.parameters(), lr=lr, weight_decay=weight_decay)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, (y - mu) / sd), batch_size, shuffle=True)
    loss = nn.MSELoss()
    for _ in range(num_epochs):
        net.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            loss(net(xb).squeeze(1), yb).backward()
            optimizer.step()
    net.eval()

    def predict(Z):
        with torch.no_grad():
            return net(Z).squeeze(1) * sd + mu

    return predict


def log_rmse(predict, X, y):
    return (predict(X) - y).pow(2).mean().sqrt().item()


def k_fold(k, numeric, cats, y, folds, **settings):
    scores = []
    for i in range(k):
        tr, va = folds != i, folds == i
        prep = Preprocess().fit(numeric[tr], cats[tr])
        Xtr, Xva = prep(numeric[tr], cats[tr]), prep(numeric[va], cats[va])
        predict = train(Xtr, y[tr], **settings)
        scores.append((log_rmse(predict, Xtr, y[tr]), log_rmse(predict, Xva, y[va])))
        print(f"  fold {i + 1}, train log rmse {scores[-1][0]:.4f}, valid log rmse {scores[-1][1]:.4f}")
    return np.mean(scores, axis=0)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    numeric, cats, price = make_houses(1200, rng)
    test_numeric, test_cats, test_price = make_houses(500, rng)
    y = torch.tensor(np.log(price), dtype=torch.float32)
    y_test = torch.tensor(np.log(test_price), dtype=torch.float32)
    folds = rng.permutation(np.arange(len(y)) % 4)

    results = {}
    for wd in (0.0, 1e-3):
        print(f"weight decay {wd}")
        results[wd] = k_fold(4, numeric, cats, y, folds, num_epochs=8, lr=0.01, weight_decay=wd)[1]
    best = min(results, key=results.get)
    print(f"chosen weight decay {best}: avg valid log rmse {results[best]:.4f}")

    prep = Preprocess().fit(numeric, cats)
    predict = train(prep(numeric, cats), y, num_epochs=12, lr=0.01, weight_decay=best)
    rmse = log_rmse(predict, prep(test_numeric, test_cats), y_test)
    print(f"test log rmse {rmse:.4f} (spread of log prices {y_test.std().item():.4f})")
    print(f"score: {1 - (rmse / y_test.std().item()) ** 2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
