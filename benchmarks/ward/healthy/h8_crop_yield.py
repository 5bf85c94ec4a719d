"""Crop yield from weather, soil and variety mini-batches by hand, SmoothL1 loss, patience-based LR drop."""

import sys

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)


def build_table(seed, n=1600):
    rs = np.random.RandomState(seed)
    rain = rs.gamma(6.0, 60.0, n)
    temp = rs.normal(17.0, 3.0, n)
    nitrogen = rs.uniform(0, 200, n)
    ph = rs.normal(6.5, 0.6, n)
    variety = rs.randint(0, 5, n)
    base = np.array([3.0, 3.5, 4.2, 2.6, 3.9])[variety]
    best_temp = np.array([14.0, 16.0, 18.0, 20.0, 17.0])[variety]
    y = base * (1 - np.exp(-rain / 180)) * np.exp(-(((temp - best_temp) / 6) ** 2)) * (0.5 + 0.8 * nitrogen / 200)
    y = y - 0.4 * (ph - 6.5) ** 2 + rs.normal(0, 0.12, n)
    table = np.column_stack([rain, temp, nitrogen, ph])
    return table, variety, y


def main(seed):
    torch.manual_seed(seed)
    table, variety, y = build_table(seed)
    n_train, n_val = 1100, 200
    mean, std = table[:n_train].mean(0), table[:n_train].std(0)
    inputs = np.hstack([(table - mean) / std, np.eye(5)[variety]])
    y = (y - y[:n_train].mean()) / y[:n_train].std()
    X = torch.tensor(inputs, dtype=torch.float32)
    Y = torch.tensor(y, dtype=torch.float32).unsqueeze(1)
    Xtr, Xva, Xte = X[:n_train], X[n_train : n_train + n_val], X[n_train + n_val :]
    Ytr, Yva, Yte = Y[:n_train], Y[n_train : n_train + n_val], Y[n_train + n_val :]

    model = nn.Sequential(nn.Linear(9, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1))
    criterion = nn.SmoothL1Loss()
    optimizer = torch.optim.NAdam(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.4, patience=3)
    batch = 40

    for epoch in range(45):
        model.train()
        perm = np.random.RandomState(1000 * seed + epoch).permutation(n_train)
        train_loss = 0.0
        for start in range(0, n_train, batch):
            rows = torch.from_numpy(perm[start : start + batch])
            optimizer.zero_grad()
            loss = criterion(model(Xtr[rows]), Ytr[rows])
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(rows) / n_train
        model.eval()
        with torch.no_grad():
            val_loss = criterion(model(Xva), Yva).item()
        scheduler.step(val_loss)
        if epoch % 3 == 2:
            lr = optimizer.param_groups[0]["lr"]
            print(f"epoch {epoch + 1:3d}: train {train_loss:.4f} val {val_loss:.4f} lr {lr:.2g}")

    with torch.no_grad():
        sse = ((model(Xte) - Yte) ** 2).sum()
        sst = ((Yte - Yte.mean()) ** 2).sum()
    print(f"score: {1 - (sse / sst).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
