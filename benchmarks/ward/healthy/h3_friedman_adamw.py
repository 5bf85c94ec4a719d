"""Friedman #1 regression (ten inputs, five of them irrelevant) with an MLP, AdamW and a validation R2 every 10
epochs.
"""

import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import make_friedman1
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Regressor(nn.Module):
    def __init__(self, n_in, width=64):
        super().__init__()
        self.fc1 = nn.Linear(n_in, width)
        self.fc2 = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        x = F.gelu(self.fc1(x))
        x = F.gelu(self.fc2(x))
        return self.out(x).squeeze(-1)


def r2(model, x, y):
    model.eval()
    with torch.no_grad():
        residual = ((model(x) - y) ** 2).sum()
    return (1 - residual / ((y - y.mean()) ** 2).sum()).item()


def main(args):
    torch.manual_seed(args.seed)
    X, y = make_friedman1(n_samples=2000, n_features=10, noise=1.0, random_state=args.seed)
    X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.25, random_state=args.seed)
    sx, sy = StandardScaler().fit(X_tr), StandardScaler().fit(y_tr[:, None])
    X_tr, X_te = (torch.tensor(sx.transform(a), dtype=torch.float32) for a in (X_tr, X_te))
    y_tr, y_te = (torch.tensor(sy.transform(a[:, None])[:, 0], dtype=torch.float32) for a in (y_tr, y_te))
    loader = DataLoader(TensorDataset(X_tr, y_tr), batch_size=args.batch_size, shuffle=True)

    model = Regressor(10)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    for epoch in range(1, args.epochs + 1):
        model.train()
        for xb, yb in loader:
            loss = F.mse_loss(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
        if epoch % 10 == 0:
            print(f"epoch {epoch:2d} | last batch mse {loss.item():.4f} | test R2 {r2(model, X_te, y_te):.4f}")
    print(f"score: {r2(model, X_te, y_te):.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3)
    torch.set_num_threads(1)
    main(parser.parse_args())
