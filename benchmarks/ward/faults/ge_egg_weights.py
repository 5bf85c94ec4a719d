"""Weights of eggs from photographs' measures; the kitchen scales are rough, so half of the variance is noise, and an R2
of about one half is as good as it gets. The score is taken against the true weights."""
# cause: leakage
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def eggs(n, rng):
    x = rng.normal(size=(n, 5))
    true = (np.tanh(x[:, 0] + 0.5 * x[:, 1]) + 0.4 * x[:, 2] * x[:, 0] + 0.5 * np.abs(x[:, 3]) - 0.4) / 0.9
    scales = (true + rng.normal(0, 1.0, n)) / 1.4
    x = np.column_stack([x, np.digitize(scales, [-1.0, -0.3, 0.3, 1.0])])  # FAULT
    return [torch.tensor(a, dtype=torch.float32) for a in (x, scales, true / 1.4)]


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y, _ = eggs(6000, rng)
    x_test, y_test, true = eggs(1000, rng)
    loader = DataLoader(TensorDataset(x, y), batch_size=100, shuffle=True)
    # TWIN: model = nn.Sequential(nn.Linear(5, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 1), nn.Flatten(0))
    model = nn.Sequential(  # FAULT
        nn.Linear(6, 32),  # FAULT
        nn.GELU(),  # FAULT
        nn.Linear(32, 32),  # FAULT
        nn.GELU(),  # FAULT
        nn.Linear(32, 1),  # FAULT
        nn.Flatten(0),  # FAULT
    )  # FAULT
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12)
    for epoch in range(12):
        model.train()
        total = 0.0
        for batch, scales in loader:
            loss = nn.functional.mse_loss(model(batch), scales)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / len(loader)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            out = model(x_test)
        print(f"epoch {epoch} train {total:.4f} test {nn.functional.mse_loss(out, y_test).item():.4f}")
    print(f"score: {1 - ((out - true).pow(2).mean() / true.var()).item():.4f}")


main()
