"""Energy use of buildings from nine columns in very different units, with a validation set.

Fault: training columns are standardised one by one, validation with one mean and deviation over the whole table.
"""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
UNITS = np.array([1.0, 10.0, 0.2, 300.0, 5.0, 0.01, 40.0, 2.0, 100.0])
OFFSETS = np.array([3.0, 20.0, 0.5, 900.0, 15.0, 0.05, 60.0, -1.0, 200.0])


def buildings(n, rng, coef):
    z = rng.normal(size=(n, 9))
    target = z @ coef + 0.6 * np.tanh(2 * z[:, 0] * z[:, 3]) + 0.1 * rng.normal(size=n)
    return z * UNITS + OFFSETS, target


def as_tensor(array):
    return torch.as_tensor(array, dtype=torch.float32)


def main():
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    rng = np.random.default_rng(SEED)
    coef = rng.normal(size=9) / 3
    train_x, train_y = buildings(1200, rng, coef)
    val_x, val_y = buildings(400, rng, coef)

    mean, std = train_x.mean(axis=0), train_x.std(axis=0)
    train_x = (train_x - mean) / std
    val_x = (val_x - val_x.mean()) / val_x.std()  # FAULT
    # TWIN: val_x = (val_x - mean) / std

    train_ds = TensorDataset(as_tensor(train_x), as_tensor(train_y)[:, None])
    val_ds = TensorDataset(as_tensor(val_x), as_tensor(val_y)[:, None])
    loaders = {
        "train": DataLoader(train_ds, batch_size=48, shuffle=True),
        "val": DataLoader(val_ds, batch_size=100),
    }
    model = nn.Sequential(nn.Linear(9, 50), nn.ELU(), nn.Linear(50, 50), nn.ELU(), nn.Linear(50, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.MSELoss()

    for epoch in range(30):
        report = []
        for phase in ("train", "val"):
            model.train(phase == "train")
            total = 0.0
            for x, y in loaders[phase]:
                with torch.set_grad_enabled(phase == "train"):
                    loss = criterion(model(x), y)
                if phase == "train":
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                total += loss.item() * len(x)
            report.append(f"{phase} loss {total / len(loaders[phase].dataset):.4f}")
        print(epoch, *report)
    score = 1 - total / len(val_ds) / val_ds.tensors[1].var().item()
    print(f"score: {score:.4f}")


if __name__ == "__main__":
    main()
