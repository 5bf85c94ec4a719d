"""Positive-unlabelled learning on digits (non-negative risk estimator of Kiryo et al. 2017): 200 labelled even
digits, all other training digits without labels, known class prior. When the estimated negative risk drops below
zero, the step goes the other way along that part.
"""

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = np.random.default_rng(SEED)
torch.manual_seed(SEED)

data = load_digits()
order = rng.permutation(len(data.target))
X = torch.tensor(data.data[order] / 16.0, dtype=torch.float32)
even = torch.tensor(data.target[order] % 2 == 0)
X_train, even_train, X_test, even_test = X[:1400], even[:1400], X[1400:], even[1400:]
mean = X_train.mean(0)
X_train, X_test = (X_train - mean) * 2, (X_test - mean) * 2

prior = even_train.float().mean().item()
labelled = X_train[even_train][:200]
unlabelled = X_train  # drawn from the whole population, as the estimator assumes
print(f"{len(labelled)} positives, {len(unlabelled)} unlabelled, prior {prior:.3f}")

model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)


def sigmoid_loss(z):
    return torch.sigmoid(-z)


flips = 0
for epoch in range(30):
    model.train()
    risk_sum, batches = 0.0, 0
    for rows in torch.randperm(len(unlabelled)).split(140):
        pos = labelled[torch.randint(0, len(labelled), (40,))]
        z_pos, z_unl = model(pos), model(unlabelled[rows])
        positive_risk = prior * sigmoid_loss(z_pos).mean()
        negative_risk = sigmoid_loss(-z_unl).mean() - prior * sigmoid_loss(-z_pos).mean()
        if negative_risk.item() < 0:
            objective = -negative_risk
            flips += 1
        else:
            objective = positive_risk + negative_risk
        optimizer.zero_grad()
        objective.backward()
        optimizer.step()
        risk_sum += (positive_risk + negative_risk.clamp(min=0)).item()
        batches += 1
    if epoch % 5 == 4:
        model.eval()
        with torch.no_grad():
            acc = ((model(X_test) > 0) == even_test).float().mean().item()
        print(f"epoch {epoch + 1:2d} risk {risk_sum / batches:.4f} reversed steps {flips} test accuracy {acc:.4f}")

print(f"score: {acc:.4f}")
