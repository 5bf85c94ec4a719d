"""Breast cancer diagnosis with logistic regression: one linear layer and BCEWithLogitsLoss, minibatch SGD."""

import sys

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def load(seed):
    data = load_breast_cancer()
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(data.target))
    x, y = data.data[order], data.target[order]
    mean, std = x[:450].mean(0), x[:450].std(0)
    x = torch.from_numpy((x - mean) / std).float()
    y = torch.from_numpy(y).float().unsqueeze(1)
    return TensorDataset(x[:450], y[:450]), (x[450:], y[450:])


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    train_set, (x_val, y_val) = load(seed)
    loader = DataLoader(train_set, batch_size=32, shuffle=True)

    model = nn.Linear(30, 1)
    loss_fn = nn.BCEWithLogitsLoss()
    opt = torch.optim.SGD(model.parameters(), lr=0.05, weight_decay=1e-3)

    for epoch in range(40):
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        with torch.no_grad():
            logits = model(x_val)
            val_loss = loss_fn(logits, y_val).item()
            val_acc = ((logits > 0).float() == y_val).float().mean().item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: train {total / len(train_set):.4f} val {val_loss:.4f} acc {val_acc:.4f}")

    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main()
