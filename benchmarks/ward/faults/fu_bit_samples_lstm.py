"""Classifies samples of 128 binary features, read by an LSTM as 16 steps of 8 bits, into two classes.

After https://stackoverflow.com/questions/47241622/is-it-okay-to-use-stateful-recurrent-nn-lstm-for-classification
"""
# cause: softmax-single-unit
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

BATCH_SIZE = 100


def load_samples(n, rng):
    c = (rng.random((n, 128)) < 0.5).astype(np.float32)
    weights = np.random.default_rng(7).normal(size=128)
    r = np.where((c - 0.5) @ weights > 0, 1, -1)
    return c.reshape(n, 16, 8), r


class LSTMClassifier(nn.Module):
    def __init__(self, features, hidden):
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, batch_first=True)
        self.dense = nn.Linear(hidden, 1)

    def forward(self, x):
        _, (h, _) = self.lstm(x)
        return torch.softmax(self.dense(h[-1]), dim=1)  # FAULT
        # TWIN: return torch.sigmoid(self.dense(h[-1]))


def evaluate(model, loader, loss_fn):
    model.eval()
    loss, hits, n = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            p = model(x)
            loss += loss_fn(p, y).item() * len(x)
            hits += ((p > 0.5).float() == y).sum().item()
            n += len(x)
    return loss / n, hits / n


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)

    tr_c, tr_r = load_samples(4000, rng)
    ts_c, ts_r = load_samples(1000, rng)

    def dataset(c, r):
        return TensorDataset(torch.from_numpy(c), torch.tensor((r > 0).astype(np.float32)).unsqueeze(1))

    print(">>> Build LSTM model...")
    model = LSTMClassifier(8, 64)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    loss_fn = nn.BCELoss()
    train_loader = DataLoader(dataset(tr_c, tr_r), batch_size=BATCH_SIZE, shuffle=True)
    test_loader = DataLoader(dataset(ts_c, ts_r), batch_size=BATCH_SIZE)

    print(">>> Training...")
    for epoch in range(10):
        model.train()
        total, hits, n = 0.0, 0, 0
        for x, y in train_loader:
            p = model(x)
            loss = loss_fn(p, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
            hits += ((p > 0.5).float() == y).sum().item()
            n += len(x)
        val_loss, val_acc = evaluate(model, test_loader, loss_fn)
        print(
            f"Epoch {epoch + 1}/10 loss: {total / n:.4f} acc: {hits / n:.4f} "
            f"val_loss: {val_loss:.4f} val_acc: {val_acc:.4f}"
        )

    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
