"""Default of small loans from trades, regions and purposes (embeddings) and amounts (standardized): AdamW, early stopping on the validation AUC with the best weights kept in a file and read back."""
# cause: loss-output-mismatch
# kind: dynamic

import os
import sys
import tempfile

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
CARDINALITIES = [30, 16, 8]


def loans(n, seed):
    world, rng = np.random.default_rng(7), np.random.default_rng(seed)
    effects = [world.normal(0, 0.9, c) for c in CARDINALITIES]
    codes = np.column_stack([rng.integers(0, c, n) for c in CARDINALITIES])
    income, amount, years = rng.lognormal(10.3, 0.4, n), rng.lognormal(9.0, 0.7, n), rng.integers(0, 30, n)
    burden = np.log(amount / income)
    z = -1.8 + sum(e[c] for e, c in zip(effects, codes.T)) + 1.1 * (burden + 1.3) - 0.05 * (years - 15)
    z += 0.8 * (codes[:, 2] < 3) * (burden > -1)
    default = rng.random(n) < 1 / (1 + np.exp(-z))
    return codes, np.column_stack([np.log(income), np.log(amount), years]), default.astype(np.float32)


class LoanNet(nn.Module):
    def __init__(self, n_numeric):
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(c, 4) for c in CARDINALITIES)
        self.net = nn.Sequential(
            nn.Linear(4 * len(CARDINALITIES) + n_numeric, 48),
            nn.BatchNorm1d(48),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(48, 24),
            nn.ReLU(),
            nn.Linear(24, 1),
        )

    def forward(self, codes, numbers):
        parts = [e(codes[:, i]) for i, e in enumerate(self.embeddings)]
        return self.net(torch.cat([*parts, numbers], 1)).squeeze(1)


def auc(model, loader):
    model.eval()
    with torch.no_grad():
        scores = torch.cat([model(c, x) for c, x, _ in loader])
    return roc_auc_score(torch.cat([y for *_, y in loader]), scores)


def main(seed):
    torch.manual_seed(seed)
    raw = [loans(n, 10 * seed + i) for i, n in enumerate((6000, 1500, 3000))]
    mean, std = raw[0][1].mean(0), raw[0][1].std(0)
    sets = [
        TensorDataset(torch.from_numpy(c), torch.from_numpy((x - mean) / std).float(), torch.from_numpy(y))
        for c, x, y in raw
    ]
    train = DataLoader(sets[0], batch_size=128, shuffle=True, drop_last=True)
    val, test = (DataLoader(s, batch_size=1000) for s in sets[1:])
    model = LoanNet(3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.05)
    # TWIN: criterion = nn.BCEWithLogitsLoss()
    criterion = nn.SoftMarginLoss()  # FAULT
    patience, best, since = 4, 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "best.pt")
        for epoch in range(25):
            model.train()
            total = 0.0
            for codes, numbers, y in train:
                optimizer.zero_grad()
                loss = criterion(model(codes, numbers), y)
                loss.backward()
                optimizer.step()
                total += loss.item()
            score = auc(model, val)
            print(f"epoch {epoch:2d} loss {total / len(train):.4f} val auc {score:.4f}")
            if score > best:
                best, since = score, 0
                torch.save(model.state_dict(), path)
            else:
                since += 1
                if since >= patience:
                    print("early stopping")
                    break
        model.load_state_dict(torch.load(path))
    print(f"score: {auc(model, test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
