"""Churn of telephone customers (make_classification with 12 % positives): a two-layer network, BCE with logits, the
area under the ROC curve on a validation split each epoch and on a test split at the end.
"""

import sys

import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)


class ChurnData(Dataset):
    def __init__(self, x, y):
        self.x = torch.from_numpy(x).float()
        self.y = torch.from_numpy(y).float()

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class ChurnNet(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, 24), nn.LeakyReLU(0.1), nn.Dropout(0.1), nn.Linear(24, 1))

    def forward(self, x):
        return self.body(x)[:, 0]


def evaluate(model, loader, criterion):
    model.eval()
    logits, targets = [], []
    with torch.no_grad():
        for x, y in loader:
            logits.append(model(x))
            targets.append(y)
    logits, targets = torch.cat(logits), torch.cat(targets)
    return criterion(logits, targets).item(), roc_auc_score(targets.numpy(), logits.numpy())


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    x, y = make_classification(
        4000, 14, n_informative=8, n_redundant=3, weights=[0.88], class_sep=1.2, flip_y=0.02, random_state=seed
    )
    x_train, x_rest, y_train, y_rest = train_test_split(x, y, test_size=0.4, stratify=y, random_state=seed)
    x_val, x_test, y_val, y_test = train_test_split(x_rest, y_rest, test_size=0.5, stratify=y_rest, random_state=seed)
    scaler = StandardScaler().fit(x_train)
    train_dl = DataLoader(ChurnData(scaler.transform(x_train), y_train), batch_size=64, shuffle=True)
    val_dl = DataLoader(ChurnData(scaler.transform(x_val), y_val), batch_size=256)
    test_dl = DataLoader(ChurnData(scaler.transform(x_test), y_test), batch_size=256)

    model = ChurnNet(x.shape[1])
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    for epoch in range(12):
        model.train()
        total = 0.0
        for xb, yb in train_dl:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(yb)
        val_loss, val_auc = evaluate(model, val_dl, criterion)
        print(f"epoch {epoch:2d} train {total / len(y_train):.4f} valid {val_loss:.4f} auc {val_auc:.4f}")
    test_loss, test_auc = evaluate(model, test_dl, criterion)
    print(f"test loss {test_loss:.4f}")
    print(f"score: {test_auc:.4f}")
