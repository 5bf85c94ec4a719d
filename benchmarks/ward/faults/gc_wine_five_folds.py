"""Five-fold cross-validation on the wine table: a fresh network and optimizer per fold, mean accuracy at the end."""
# cause: feature-scale
# accept: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedKFold
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def new_model():
    return nn.Sequential(nn.Linear(13, 24), nn.ReLU(), nn.Linear(24, 3))


def fit_fold(X, y, epochs=40):
    model = new_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    loss_fn = nn.CrossEntropyLoss()
    for _ in range(epochs):
        for idx in torch.randperm(len(X)).split(32):
            optimizer.zero_grad()
            loss = loss_fn(model(X[idx]), y[idx])
            loss.backward()
            optimizer.step()
    return model, loss.item()


X, y = load_wine(return_X_y=True)
scores = []
folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=seed)
for k, (train, test) in enumerate(folds.split(X, y)):
    mean, std = X[train].mean(), X[train].std()  # FAULT
    # TWIN: mean, std = X[train].mean(axis=0), X[train].std(axis=0)
    Z = torch.tensor((X - mean) / std, dtype=torch.float32)
    t = torch.tensor(y)
    model, last = fit_fold(Z[train], t[train])
    with torch.no_grad():
        acc = (model(Z[test]).argmax(1) == t[test]).float().mean().item()
    scores.append(acc)
    print(f"fold {k}: last loss {last:.4f}, accuracy {acc:.4f}")

print(f"mean {np.mean(scores):.4f} +- {np.std(scores):.4f}")
print(f"score: {np.mean(scores):.4f}")
