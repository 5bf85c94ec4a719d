"""Sepsis risk from ten vital signs and lab values: a plain MLP with dropout, AdamW, BCE. Score: AUC
on held-out patients.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def make_patients(n, rng):
    age = rng.uniform(20, 90, n)
    heart = rng.normal(85, 15, n)
    temp = rng.normal(37.1, 0.8, n)
    lactate = rng.gamma(2.0, 0.9, n)
    wbc = rng.gamma(6.0, 1.6, n)
    pressure = rng.normal(82, 13, n)
    creat = rng.gamma(4.0, 0.28, n)
    noise = rng.normal(0, 1, (n, 3))
    logit = -4.2 + 0.02 * (age - 55) + 0.05 * (heart - 85) + 1.3 * np.abs(temp - 37.1) + 0.9 * lactate
    logit += 0.15 * np.abs(wbc - 9) - 0.06 * (pressure - 82) + 0.7 * creat
    y = rng.random(n) < 1 / (1 + np.exp(-1.3 * logit))
    x = np.column_stack([age, heart, temp, lactate, wbc, pressure, creat, noise])
    return x.astype(np.float32), y.astype(np.float32)


def main(seed):
    torch.manual_seed(seed)
    x, y = make_patients(8000, np.random.default_rng(seed))
    x_train, y_train, x_val, y_val = x[:6000], y[:6000], x[6000:], y[6000:]
    mean, std = x_train.mean(0), x_train.std(0)
    x_train, x_val = torch.tensor((x_train - mean) / std), torch.tensor((x_val - mean) / std)
    y_train, y_val = torch.tensor(y_train), torch.tensor(y_val)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)

    model = nn.Sequential(
        nn.Linear(10, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1)
    )
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    for epoch in range(20):
        model.train()
        running = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb).squeeze(1), yb)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(xb)
        model.eval()
        with torch.no_grad():
            logits = model(x_val).squeeze(1)
            val_loss = criterion(logits, y_val).item()
        auc = roc_auc_score(y_val.numpy(), logits.numpy())
        print(f"epoch {epoch + 1}: train {running / len(x_train):.4f} val {val_loss:.4f} auc {auc:.4f}")
    print(f"score: {auc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
