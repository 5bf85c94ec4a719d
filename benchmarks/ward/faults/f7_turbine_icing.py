"""Ice on wind turbine blades, 3 % of the ten-minute records. Both kinds of record weigh the same in the loss, and the
model answers 'no ice' nearly always."""
# cause: class-imbalance
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import balanced_accuracy_score
from torch.utils.data import DataLoader, TensorDataset


def records(n, rng):
    ice = (rng.random(n) < 0.03).astype(int)
    wind = rng.gamma(4, 2, n)
    power = np.tanh(wind / 10) ** 3 + rng.normal(0, 0.09, n) - 0.12 * ice * rng.random(n) * 2
    cold = rng.normal(2, 5, n) - 4.5 * ice
    humid = rng.normal(70, 12, n) + 12 * ice
    vibration = np.exp(rng.normal(0, 0.4, n) + 0.5 * ice)
    x = np.stack([wind, power, cold, humid, vibration], axis=1)
    return x, ice


class IceNet(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_in, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.net(x).squeeze(1)


def run(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x_train, y_train = records(6000, rng)
    x_test, y_test = records(3000, rng)
    mean, std = x_train.mean(0), x_train.std(0)
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    dataset = TensorDataset(torch.tensor(x_train).float(), torch.tensor(y_train).float())
    loader = DataLoader(dataset, batch_size=128, shuffle=True)
    model = IceNet(x_train.shape[1])
    loss_fn = nn.BCEWithLogitsLoss()  # FAULT
    # TWIN: loss_fn = nn.BCEWithLogitsLoss(pos_weight=torch.tensor((1 - y_train.mean()) / y_train.mean()))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for epoch in range(14):
        model.train()
        for x, y in loader:
            loss = loss_fn(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            guess = model(torch.tensor(x_test).float()) > 0
        score = balanced_accuracy_score(y_test, guess.numpy())
        print(f"epoch {epoch:2d} loss {loss.item():.4f} balanced accuracy {score:.4f}")
    return score


torch.set_num_threads(1)
print(f"score: {run(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
