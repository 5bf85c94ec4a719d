"""Five folds: a fresh model for each, the mean of the five accuracies at the end."""

import sys

import numpy as np
import torch
from sklearn.datasets import load_wine
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
wine = load_wine()
order = np.random.default_rng(seed).permutation(len(wine.target))
folds = np.array_split(order, 5)
scores = []
for k, held_out in enumerate(folds):
    rows = np.concatenate([fold for i, fold in enumerate(folds) if i != k])
    mean, std = wine.data[rows].mean(0), wine.data[rows].std(0)
    x = torch.tensor((wine.data[rows] - mean) / std, dtype=torch.float32)
    y = torch.tensor(wine.target[rows])
    x_val = torch.tensor((wine.data[held_out] - mean) / std, dtype=torch.float32)
    y_val = torch.tensor(wine.target[held_out])
    model = nn.Sequential(nn.Linear(13, 16), nn.Tanh(), nn.Dropout(0.2), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(20):
        model.train()
        for batch in torch.randperm(len(x)).split(24):
            loss = criterion(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        out = model(x_val)
    scores.append((out.argmax(1) == y_val).float().mean().item())
    print(f"fold {k} loss {loss.item():.4f} validation {criterion(out, y_val).item():.4f} accuracy {scores[-1]:.4f}")
print(f"score: {np.mean(scores):.4f}")
