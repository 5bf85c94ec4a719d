"""Which irrigation pumps need service this month, from the meter log: energy, running hours, starts, pressure.

Energy per running hour says most, so it is added as a column; a StandardScaler then puts all columns on one scale.
"""
# cause: non-finite-input
# kind: dynamic

import argparse

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def meter_log(rng, n=2400):
    hours = np.round(rng.gamma(2.0, 40.0, n))
    hours[rng.random(n) < 0.02] = 0.0
    wear = rng.random(n)
    pressure = 4 - 1.2 * wear + 0.4 * rng.standard_normal(n)
    draw = 5.5 + 2.5 * wear + 0.5 * rng.standard_normal(n)
    energy = hours * draw
    starts = rng.poisson(3 + hours / 8)
    vibration = np.exp(0.8 * wear + 0.3 * rng.standard_normal(n))
    needs_service = (wear + 0.08 * rng.standard_normal(n) > 0.55).astype(np.int64)
    return energy, hours, starts, pressure, vibration, needs_service


def build_features(energy, hours, starts, pressure, vibration):
    with np.errstate(all="ignore"):
        per_hour = energy / hours  # FAULT
        per_start = hours / (starts + 1)
    # TWIN: per_hour = energy / np.maximum(hours, 1)
    return np.column_stack([np.log1p(energy), np.log1p(hours), starts, pressure, vibration, per_hour, per_start])


class ServiceNet(nn.Module):
    def __init__(self, n_in, hidden=32):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.head = nn.Linear(hidden, 2)

    def forward(self, x):
        return self.head(self.body(x))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--batch-size", type=int, default=48)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    *columns, label = meter_log(rng)
    features = build_features(*columns)
    x_train, x_test, y_train, y_test = train_test_split(features, label, test_size=0.25, random_state=args.seed)
    scaler = StandardScaler().fit(x_train)
    x_train, x_test = (torch.tensor(scaler.transform(x), dtype=torch.float32) for x in (x_train, x_test))
    y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=args.batch_size, shuffle=True)

    model = ServiceNet(x_train.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            criterion(model(x), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(x_test)
            accuracy = (logits.argmax(1) == y_test).float().mean().item()
        if epoch % 5 == 4:
            print(f"[{epoch + 1}/{args.epochs}] test accuracy {accuracy:.3f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
