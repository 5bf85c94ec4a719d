"""Regression on make_friedman1 with zero_grad(set_to_none=False), so that gradients stay allocated."""

import argparse

import numpy as np
import torch
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.set_num_threads(1)

parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--epochs", type=int, default=40)
parser.add_argument("--lr", type=float, default=3e-3)
args = parser.parse_args()
torch.manual_seed(args.seed)
rng = np.random.default_rng(args.seed)

X, y = make_friedman1(n_samples=1500, n_features=10, noise=0.5, random_state=args.seed)
X_train, X_test, y_train, y_test = X[:1200], X[1200:], y[:1200], y[1200:]
x_scaler = StandardScaler().fit(X_train)
y_scaler = StandardScaler().fit(y_train[:, None])


def to_tensors(features, target):
    return (
        torch.from_numpy(x_scaler.transform(features)).float(),
        torch.from_numpy(y_scaler.transform(target[:, None])).float(),
    )


X_train, y_train = to_tensors(X_train, y_train)
X_test, y_test = to_tensors(X_test, y_test)

model = nn.Sequential(nn.Linear(10, 64), nn.Tanh(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.RMSprop(model.parameters(), lr=args.lr)
mse = nn.MSELoss()

for epoch in range(1, args.epochs + 1):
    order = rng.permutation(len(X_train))
    losses = []
    for batch in np.array_split(order, 20):
        optimizer.zero_grad(set_to_none=False)
        loss = mse(model(X_train[batch]), y_train[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if epoch % 5 == 0:
        print(f"epoch {epoch:3d}  train mse {np.mean(losses):.4f}")

with torch.no_grad():
    pred = model(X_test)
r2 = 1 - ((pred - y_test) ** 2).sum() / ((y_test - y_test.mean()) ** 2).sum()
print(f"test R2: {r2.item():.4f}")
print(f"score: {r2.item():.4f}")
