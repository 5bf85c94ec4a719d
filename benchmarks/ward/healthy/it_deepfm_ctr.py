"""Click-through-rate prediction with DeepFM: first-order weights, factorization machine and a deep part on shared
embeddings; bfloat16 autocast on the CPU, early stopping on validation AUC.

After Guo et al., "DeepFM", and the models of https://github.com/rixwew/pytorch-fm
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score
from torch.utils.data import DataLoader, TensorDataset

FIELD_DIMS = [100, 60, 12, 7, 24, 5]


def make_clicks(seed, n=13000):
    rng = np.random.default_rng(seed)
    x = np.stack([np.minimum(rng.geometric(4.0 / d, n) - 1, d - 1) for d in FIELD_DIMS], axis=1)
    factors = [rng.normal(size=(d, 3)) for d in FIELD_DIMS]
    first = [0.6 * rng.normal(size=d) for d in FIELD_DIMS]
    v = np.stack([f[x[:, i]] for i, f in enumerate(factors)])
    pairwise = 0.5 * ((v.sum(0) ** 2) - (v**2).sum(0)).sum(1)
    logit = sum(w[x[:, i]] for i, w in enumerate(first)) + 0.4 * pairwise
    y = rng.random(n) < 1 / (1 + np.exp(-(1.3 * (logit - logit.mean()) - 1.0)))
    return torch.from_numpy(x), torch.from_numpy(y.astype(np.float32))


class DeepFM(nn.Module):
    def __init__(self, field_dims, embed_dim=8, mlp_dims=(64, 32), dropout=0.2):
        super().__init__()
        self.register_buffer("offsets", torch.tensor(np.array((0, *np.cumsum(field_dims)[:-1]))))
        self.linear = nn.Embedding(sum(field_dims), 1)
        self.embedding = nn.Embedding(sum(field_dims), embed_dim)
        nn.init.zeros_(self.linear.weight)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.bias = nn.Parameter(torch.zeros(1))
        layers, d = [], len(field_dims) * embed_dim
        for h in mlp_dims:
            layers += [nn.Linear(d, h), nn.BatchNorm1d(h), nn.ReLU(), nn.Dropout(dropout)]
            d = h
        self.mlp = nn.Sequential(*layers, nn.Linear(d, 1))

    def forward(self, x):
        x = x + self.offsets
        e = self.embedding(x)
        fm = 0.5 * (e.sum(1) ** 2 - (e**2).sum(1)).sum(1)
        return self.bias + self.linear(x).sum(1).squeeze(1) + fm + self.mlp(e.flatten(1)).squeeze(1)


class EarlyStopper:
    def __init__(self, num_trials):
        self.num_trials, self.trial, self.best, self.state = num_trials, 0, 0.0, None

    def is_continuable(self, model, auc):
        if auc > self.best:
            self.best, self.trial = auc, 0
            self.state = {k: v.clone() for k, v in model.state_dict().items()}
            return True
        self.trial += 1
        return self.trial < self.num_trials


def test(model, loader):
    model.eval()
    with torch.no_grad():
        pred = torch.cat([model(x) for x, _ in loader])
    return roc_auc_score(loader.dataset.tensors[1].numpy(), pred.numpy())


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = make_clicks(seed)
    print(f"click rate {y.mean():.3f}")
    bounds = [0, 9000, 11000, 13000]
    loaders = [
        DataLoader(TensorDataset(x[a:b], y[a:b]), batch_size=256 if a == 0 else 2000, shuffle=a == 0)
        for a, b in zip(bounds, bounds[1:])
    ]
    model = DeepFM(FIELD_DIMS)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3, weight_decay=1e-5)
    criterion = nn.BCEWithLogitsLoss()
    stopper = EarlyStopper(num_trials=3)
    for epoch in range(12):
        model.train()
        total = 0.0
        for fields, target in loaders[0]:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logit = model(fields)
            loss = criterion(logit.float(), target)
            model.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        auc = test(model, loaders[1])
        print(f"epoch: {epoch} loss: {total / len(loaders[0]):.4f} validation auc: {auc:.4f}")
        if not stopper.is_continuable(model, auc):
            print(f"validation: best auc: {stopper.best:.4f}")
            break
    model.load_state_dict(stopper.state)
    print(f"score: {test(model, loaders[2]):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
