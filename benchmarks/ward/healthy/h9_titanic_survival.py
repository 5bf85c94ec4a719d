"""Who survives the shipwreck: a passenger table made in code, missing ages filled with the training median,
one-hot port of embarkation, a small MLP and BCEWithLogitsLoss."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
np.random.seed(SEED)
torch.manual_seed(SEED)


def make_passengers(n):
    pclass = np.random.choice([1, 2, 3], n, p=[0.25, 0.2, 0.55])
    female = np.random.rand(n) < 0.36
    age = np.clip(np.random.gamma(5.0, 6.0, n), 1, 78)
    sibsp = np.random.poisson(0.5, n)
    fare = np.exp(np.random.normal(4.6 - 0.7 * pclass, 0.4))
    port = np.random.choice(3, n, p=[0.7, 0.2, 0.1])
    logit = (
        5.0 * female - 2.2 * (pclass - 2) - 3.0 + 4.0 * (age < 12) - 0.6 * (sibsp > 2) - 1.5 * female * (pclass == 3)
    )
    survived = (np.random.rand(n) < 1 / (1 + np.exp(-1.6 * logit))).astype(np.float32)
    age[np.random.rand(n) < 0.15] = np.nan
    return {"pclass": pclass, "female": female, "age": age, "sibsp": sibsp, "fare": fare, "port": port}, survived


class PassengerDataset(Dataset):
    def __init__(self, table, target, stats):
        age = np.where(np.isnan(table["age"]), stats["age_median"], table["age"])
        numeric = np.stack([table["pclass"], age, table["sibsp"], np.log1p(table["fare"])], axis=1)
        if "mean" not in stats:
            stats["mean"], stats["std"] = numeric.mean(0), numeric.std(0)
        numeric = (numeric - stats["mean"]) / stats["std"]
        flags = np.stack([table["female"], np.isnan(table["age"])], axis=1)
        onehot = np.eye(3)[table["port"]]
        self.x = torch.tensor(np.concatenate([numeric, flags, onehot], axis=1), dtype=torch.float32)
        self.y = torch.tensor(target)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


train_table, train_y = make_passengers(3000)
test_table, test_y = make_passengers(1000)
stats = {"age_median": np.nanmedian(train_table["age"])}
train_set = PassengerDataset(train_table, train_y, stats)
test_set = PassengerDataset(test_table, test_y, stats)
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
test_loader = DataLoader(test_set, batch_size=250)

model = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)

for epoch in range(1, 21):
    model.train()
    train_loss = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb).squeeze(1), yb)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * len(yb)
    model.eval()
    hits, test_loss = 0, 0.0
    with torch.no_grad():
        for xb, yb in test_loader:
            out = model(xb).squeeze(1)
            test_loss += criterion(out, yb).item() * len(yb)
            hits += ((out > 0).float() == yb).sum().item()
    accuracy = hits / len(test_set)
    if epoch % 4 == 0:
        print(
            f"Epoch {epoch:02d} | train {train_loss / len(train_set):.4f} | "
            f"test {test_loss / len(test_set):.4f} | acc {accuracy:.3f}"
        )

print(f"baseline (majority): {max(test_y.mean(), 1 - test_y.mean()):.3f}")
print(f"score: {accuracy:.4f}")
