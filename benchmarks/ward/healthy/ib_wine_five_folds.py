"""Cultivar of wines (sklearn's 178 bottles) by five-fold cross-validation: in each fold a small new net, its scaling
taken from the fold's training part."""

import sys

import numpy as np
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedKFold
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
bottles, cultivar = load_wine(return_X_y=True)

results = []
for fold, (inside, outside) in enumerate(StratifiedKFold(5, shuffle=True, random_state=seed).split(bottles, cultivar)):
    mean, std = bottles[inside].mean(0), bottles[inside].std(0)
    x = torch.tensor((bottles - mean) / std, dtype=torch.float32)
    y = torch.tensor(cultivar)
    model = nn.Sequential(nn.Linear(13, 16), nn.Tanh(), nn.Dropout(0.2), nn.Linear(16, 3))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.05)
    for epoch in range(25):
        model.train()
        for idx in torch.from_numpy(np.random.default_rng((seed, fold, epoch)).permutation(inside)).split(16):
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (model(x[outside]).argmax(1) == y[outside]).float().mean().item()
    results.append(right)
    print(f"fold {fold} last loss {loss.item():.4f} accuracy {right:.4f}")
print(f"score: {np.mean(results):.4f}")
