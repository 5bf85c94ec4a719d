"""Click-through rate with hashed sparse features and Adagrad: every impression has a user, an advert and an hour, each
a row of one sparse embedding table of per-feature weights. Scored by AUC on the last tenth of the stream.
"""

import argparse

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score

ap = argparse.ArgumentParser(description=__doc__)
ap.add_argument("seed", nargs="?", type=int, default=0)
seed = ap.parse_args().seed
torch.set_num_threads(1)
torch.sparse.check_sparse_tensor_invariants.disable()
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

USERS, ADS, HOURS, N = 150, 40, 24, 30000
user_w, ad_w = rng.normal(0, 0.9, USERS), rng.normal(0, 1.1, ADS)
hour_w = 0.6 * np.sin(2 * np.pi * np.arange(HOURS) / 24)
popularity = rng.dirichlet(np.ones(USERS) * 2)
users, ads, hours = rng.choice(USERS, N, p=popularity), rng.integers(0, ADS, N), rng.integers(0, HOURS, N)
logit = -1.2 + user_w[users] + ad_w[ads] + hour_w[hours]
clicks = torch.tensor(rng.random(N) < 1 / (1 + np.exp(-logit)), dtype=torch.float32)
features = torch.tensor(np.stack([users, USERS + ads, USERS + ADS + hours], 1))


class SparseLogistic(nn.Module):
    def __init__(self, rows, base_rate):
        super().__init__()
        self.weights = nn.EmbeddingBag(rows, 1, mode="sum", sparse=True)
        nn.init.zeros_(self.weights.weight)
        self.bias = nn.Parameter(torch.logit(base_rate))

    def forward(self, f):
        return self.weights(f).squeeze(1) + self.bias


cut = N * 9 // 10
train_x, train_y, test_x, test_y = features[:cut], clicks[:cut], features[cut:], clicks[cut:]
model = SparseLogistic(USERS + ADS + HOURS, train_y.mean())
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.15)
for epoch in range(4):
    perm = torch.randperm(cut)
    total = 0.0
    for i in range(0, cut, 100):
        idx = perm[i : i + 100]
        optimizer.zero_grad()
        loss = criterion(model(train_x[idx]), train_y[idx])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    with torch.no_grad():
        out = model(test_x)
    auc = roc_auc_score(test_y, out)
    print(f"pass {epoch + 1}: log loss {total / cut:.4f} | test log loss {criterion(out, test_y):.4f} AUC {auc:.4f}")
print(f"AUC of the true click rate {roc_auc_score(test_y, logit[cut:]):.4f}")
print(f"score: {auc:.4f}")
