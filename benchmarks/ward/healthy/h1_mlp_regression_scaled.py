"""MLP regression on the Friedman #1 table; inputs and targets are standardised with sklearn scalers fitted on the
training part, predictions are transformed back before R2 is taken. Huber loss, Adam, the best epoch's weights kept.
"""

import copy
import sys

import numpy as np
import torch
from sklearn.datasets import make_friedman1
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, Dataset


class TableDataset(Dataset):
    def __init__(self, features, targets):
        self.features = torch.as_tensor(features, dtype=torch.float32)
        self.targets = torch.as_tensor(targets, dtype=torch.float32)

    def __len__(self):
        return len(self.features)

    def __getitem__(self, i):
        return self.features[i], self.targets[i]


def main():
    torch.set_num_threads(1)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)

    X, y = make_friedman1(n_samples=2400, n_features=10, noise=1.0, random_state=seed)
    y = y[:, np.newaxis]
    X_rest, X_test, y_rest, y_test = train_test_split(X, y, test_size=400, random_state=seed)
    X_train, X_val, y_train, y_val = train_test_split(X_rest, y_rest, test_size=400, random_state=seed)
    x_scaler, y_scaler = StandardScaler().fit(X_train), StandardScaler().fit(y_train)
    train_set = TableDataset(x_scaler.transform(X_train), y_scaler.transform(y_train))
    val_set = TableDataset(x_scaler.transform(X_val), y_scaler.transform(y_val))
    loader = DataLoader(train_set, batch_size=64, shuffle=True)

    model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
    criterion = nn.HuberLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-5)
    best, best_state = float("inf"), None
    for epoch in range(22):
        model.train()
        for features, targets in loader:
            optimizer.zero_grad()
            loss = criterion(model(features), targets)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            val_loss = criterion(model(val_set.features), val_set.targets).item()
        if val_loss < best:
            best, best_state = val_loss, copy.deepcopy(model.state_dict())
        print(f"epoch {epoch + 1} val huber {val_loss:.4f} (best {best:.4f})")

    model.load_state_dict(best_state)
    with torch.no_grad():
        pred = model(torch.tensor(x_scaler.transform(X_test), dtype=torch.float32)).numpy()
    r2 = r2_score(y_test, y_scaler.inverse_transform(pred))
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main()
