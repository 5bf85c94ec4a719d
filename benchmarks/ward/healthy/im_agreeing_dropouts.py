"""Wine cultivars with a network that has to agree with itself: two passes with different dropout, and their difference.

R-Drop (Liang et al. 2021). Evaluation is without dropout.
"""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_wine
from torch import nn

AGREE = 1.0

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

wine = load_wine()
x, y = torch.tensor(wine.data, dtype=torch.float32), torch.tensor(wine.target)
order = torch.randperm(len(x))
train, test = order[:118], order[118:]
x = (x - x[train].mean(dim=0)) / x[train].std(dim=0)

model = nn.Sequential(nn.Linear(13, 64), nn.GELU(), nn.Dropout(0.3), nn.Linear(64, 3))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
for epoch in range(25):
    model.train()
    for rows in train[torch.randperm(len(train))].split(16):
        first, second = model(x[rows]).log_softmax(dim=1), model(x[rows]).log_softmax(dim=1)
        fit = (F.nll_loss(first, y[rows]) + F.nll_loss(second, y[rows])) / 2
        apart = F.kl_div(first, second, log_target=True, reduction="batchmean")
        apart = (apart + F.kl_div(second, first, log_target=True, reduction="batchmean")) / 2
        loss = fit + AGREE * apart
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: fit {fit.item():.4f}, apart {apart.item():.4f}")

model.eval()
with torch.no_grad():
    accuracy = (model(x[test]).argmax(dim=1) == y[test]).float().mean().item()
print(f"score: {accuracy:.4f}")
