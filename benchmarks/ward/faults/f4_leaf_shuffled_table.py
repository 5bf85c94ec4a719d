"""Three plant varieties from leaf measurements; the features are shuffled after the labels were taken out."""
# cause: labels-unrelated
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import make_classification
from torch import nn


def load_table(seed):
    rng = np.random.default_rng(seed)
    x, y = make_classification(
        n_samples=1800, n_features=12, n_informative=8, n_classes=3, class_sep=1.6, random_state=seed
    )
    table = np.concatenate([x, y[:, None]], axis=1)
    labels = table[:, -1].astype(np.int64)  # FAULT
    rng.shuffle(table)
    # TWIN: labels = table[:, -1].astype(np.int64)
    return table[:, :-1].astype(np.float32), labels.copy()


def batches(x, y, size):
    order = torch.randperm(len(x))
    for start in range(0, len(x), size):
        chosen = order[start : start + size]
        yield x[chosen], y[chosen]


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = load_table(seed)
    x = torch.from_numpy((x - x[:1300].mean(0)) / x[:1300].std(0))
    y = torch.from_numpy(y)
    x_train, y_train, x_val, y_val = x[:1300], y[:1300], x[1300:], y[1300:]

    model = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 3))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    for epoch in range(25):
        model.train()
        for xb, yb in batches(x_train, y_train, 64):
            loss = F.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            train_loss = F.cross_entropy(model(x_train), y_train).item()
            out = model(x_val)
            val_loss = F.cross_entropy(out, y_val).item()
            val_acc = (out.argmax(1) == y_val).float().mean().item()
        print(f"{epoch:3d}  train {train_loss:.4f}  val {val_loss:.4f}  acc {val_acc:.3f}")
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main()
