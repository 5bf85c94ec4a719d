"""Three-fold cross-validation: a fresh net and optimizer for each fold of make_friedman2; mean R2 over the folds."""

import sys

import numpy as np
import torch
from sklearn.datasets import make_friedman2
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def build_model():
    return nn.Sequential(nn.Linear(4, 48), nn.GELU(), nn.Linear(48, 48), nn.GELU(), nn.Linear(48, 1))


def train_fold(x_train, y_train, x_val, y_val, epochs=20):
    x_scaler, y_scaler = StandardScaler(), StandardScaler()
    xt = torch.tensor(x_scaler.fit_transform(x_train), dtype=torch.float32)
    yt = torch.tensor(y_scaler.fit_transform(y_train.reshape(-1, 1)), dtype=torch.float32)
    xv = torch.tensor(x_scaler.transform(x_val), dtype=torch.float32)
    yv = torch.tensor(y_scaler.transform(y_val.reshape(-1, 1)), dtype=torch.float32)
    model = build_model()
    optimizer = optim.Adam(model.parameters(), lr=5e-3)
    loader = DataLoader(TensorDataset(xt, yt), batch_size=32, shuffle=True)
    for epoch in range(epochs):
        model.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(xb), yb)
            loss.backward()
            optimizer.step()
        if (epoch + 1) % 5 == 0:
            model.eval()
            with torch.no_grad():
                val_loss = nn.functional.mse_loss(model(xv), yv).item()
            print(f"  epoch {epoch + 1}: train {loss.item():.4f} val {val_loss:.4f}")
    model.eval()
    with torch.no_grad():
        return r2_score(yv.numpy(), model(xv).numpy())


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    X, y = make_friedman2(n_samples=900, noise=20.0, random_state=seed)
    scores = []
    for fold, (train_idx, val_idx) in enumerate(KFold(3, shuffle=True, random_state=seed).split(X)):
        print(f"fold {fold}")
        scores.append(train_fold(X[train_idx], y[train_idx], X[val_idx], y[val_idx]))
        print(f"  R2 {scores[-1]:.4f}")
    print(f"R2 {np.mean(scores):.4f} +- {np.std(scores):.4f}")
    print(f"score: {np.mean(scores):.4f}")


if __name__ == "__main__":
    main()
