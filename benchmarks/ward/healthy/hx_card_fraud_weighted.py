"""Rare-fraud detection (6 % positives) with BCEWithLogitsLoss(pos_weight=...); reports average precision on
held-out data."""

import sys

import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import RobustScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def load(seed):
    X, y = make_classification(
        n_samples=4000,
        n_features=16,
        n_informative=8,
        n_clusters_per_class=2,
        weights=[0.94],
        class_sep=1.5,
        flip_y=0.005,
        random_state=seed,
    )
    X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    scaler = RobustScaler().fit(X_tr)
    return scaler.transform(X_tr).astype(np.float32), scaler.transform(X_te).astype(np.float32), y_tr, y_te


def build():
    return nn.Sequential(
        nn.Linear(16, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(64, 32),
        nn.ReLU(),
        nn.Linear(32, 1),
    )


@torch.no_grad()
def evaluate(model, X, y):
    model.eval()
    probs = torch.sigmoid(model(torch.from_numpy(X))).squeeze(1).numpy()
    return average_precision_score(y, probs)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    X_tr, X_te, y_tr, y_te = load(seed)
    ds = TensorDataset(torch.from_numpy(X_tr), torch.from_numpy(y_tr).float().unsqueeze(1))
    loader = DataLoader(ds, batch_size=100, shuffle=True)
    pos_weight = torch.tensor([(y_tr == 0).sum() / (y_tr == 1).sum()], dtype=torch.float32)
    criterion = nn.BCEWithLogitsLoss(pos_weight=pos_weight)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(20):
        model.train()
        total = 0.0
        for features, target in loader:
            optimizer.zero_grad()
            loss = criterion(model(features), target)
            loss.backward()
            optimizer.step()
            total += loss.item()
        if (epoch + 1) % 4 == 0:
            ap = evaluate(model, X_te, y_te)
            print(f"[{epoch + 1}/20] loss: {total / len(loader):.4f} average precision: {ap:.4f}")
    print(f"score: {evaluate(model, X_te, y_te):.4f}")


if __name__ == "__main__":
    main()
