"""Regression on a standardised table with two hidden layers and Adam at a learning rate of 0.5 (as in TDC high_lr)."""
# cause: learning-rate-too-high
# kind: dynamic

import argparse

import torch
from sklearn.datasets import make_friedman2
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--lr", type=float, default=0.5)  # FAULT
# TWIN: parser.add_argument("--lr", type=float, default=0.003)
parser.add_argument("--epochs", type=int, default=25)
parser.add_argument("--batch-size", type=int, default=64)
args = parser.parse_args()

torch.set_num_threads(1)
torch.manual_seed(args.seed)

X, y = make_friedman2(n_samples=2000, noise=20.0, random_state=args.seed)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=args.seed)
x_scaler, y_scaler = StandardScaler(), StandardScaler()
X_train = torch.FloatTensor(x_scaler.fit_transform(X_train))
X_test = torch.FloatTensor(x_scaler.transform(X_test))
y_train = torch.FloatTensor(y_scaler.fit_transform(y_train[:, None]))
y_test = torch.FloatTensor(y_scaler.transform(y_test[:, None]))

model = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)

for epoch in range(args.epochs):
    model.train()
    permutation = torch.randperm(len(X_train))
    losses = []
    for i in range(0, len(X_train), args.batch_size):
        batch = permutation[i : i + args.batch_size]
        optimizer.zero_grad()
        loss = criterion(model(X_train[batch]), y_train[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(X_test), y_test).item()
    if epoch % 5 == 4:
        print(f"[{epoch + 1}/{args.epochs}] train_loss={sum(losses) / len(losses):.4f} val_loss={val_loss:.4f}")

with torch.no_grad():
    r2 = r2_score(y_test.numpy(), model(X_test).numpy())
print(f"score: {max(-1.0, r2):.4f}")
