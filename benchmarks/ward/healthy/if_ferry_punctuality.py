"""Will the ferry leave late? A plain binary classifier on a table of sailings."""

import sys

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def sailings(n, rng):
    wind = rng.gamma(3, 3, n)
    wave = 0.15 * wind + rng.exponential(0.5, n)
    cars = rng.integers(0, 120, n)
    lorries = rng.integers(0, 25, n)
    hour = rng.uniform(5, 23, n)
    weekend = rng.integers(0, 2, n)
    previous = np.maximum(0, rng.normal(5, 12, n))
    load = cars + 3.5 * lorries
    score = 0.12 * previous + 0.9 * (wave - 2.5) + 0.025 * (load - 110)
    score = score + 1.2 * weekend * np.exp(-((hour - 17) ** 2) / 8) - 0.4
    late = rng.random(n) < 1 / (1 + np.exp(-1.5 * score))
    table = np.stack([wind, wave, cars, lorries, np.sin(hour / 3.8), np.cos(hour / 3.8), weekend, previous], axis=1)
    return table, late.astype(np.float32)


class Punctuality(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, 48),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Linear(48, 24),
            nn.ReLU(),
            nn.Linear(24, 1),
        )

    def forward(self, x):
        return self.layers(x).squeeze(-1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    table, late = sailings(6000, np.random.default_rng(seed))
    x_train, x_val, y_train, y_val = train_test_split(table, late, test_size=0.2, random_state=seed, stratify=late)
    scaler = StandardScaler().fit(x_train)
    train_set = TensorDataset(torch.tensor(scaler.transform(x_train), dtype=torch.float32), torch.tensor(y_train))
    x_val, y_val = torch.tensor(scaler.transform(x_val), dtype=torch.float32), torch.tensor(y_val)
    loader = DataLoader(train_set, batch_size=64, shuffle=True)

    model = Punctuality(table.shape[1])
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.85)
    for epoch in range(15):
        model.train()
        running_loss = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            running_loss += loss.item() * len(y)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            logits = model(x_val)
            val_loss = criterion(logits, y_val).item()
        auc = roc_auc_score(y_val.numpy(), logits.numpy())
        print(f"epoch {epoch + 1}: train {running_loss / len(train_set):.4f} val {val_loss:.4f} AUC {auc:.4f}")
    print(f"score: {auc:.4f}")


if __name__ == "__main__":
    main()
