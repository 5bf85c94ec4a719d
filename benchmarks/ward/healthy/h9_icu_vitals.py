"""Medicine: will the patient deteriorate?  24 hours of vital signs with gaps (value, observed flag) go through a GRU.

Balanced accuracy and AUC on held-out patients; gaps are filled with zero, the mean of a standardised vital.
"""

import argparse

import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

VITALS = ["heart_rate", "resp_rate", "map", "temperature", "spo2"]


def make_patients(n, rng):
    sick = (rng.random(n) < 0.35).astype(np.float32)
    hours = np.arange(24)
    onset = rng.uniform(4, 16, n)
    ramp = np.clip((hours[None] - onset[:, None]) / 10, 0, 1) * sick[:, None]
    direction = np.array([18.0, 6.0, -14.0, 0.9, -3.5])
    baseline = rng.normal([82, 17, 84, 37.0, 96.5], [9, 2.5, 8, 0.4, 1.2], size=(n, 5))
    severity = rng.uniform(0.3, 0.9, size=(n, 1, 5))
    values = baseline[:, None] + ramp[:, :, None] * direction * severity
    values += rng.normal(size=(n, 24, 5)) * np.array([5, 1.5, 5, 0.2, 0.8])
    observed = rng.random((n, 24, 5)) < np.array([0.9, 0.8, 0.8, 0.4, 0.9])
    return values.astype(np.float32), observed, sick


class Deterioration(nn.Module):
    def __init__(self, n_vitals, hidden=24):
        super().__init__()
        self.rnn = nn.GRU(2 * n_vitals, hidden, batch_first=True)
        self.dropout = nn.Dropout(0.1)
        self.logit = nn.Linear(hidden, 1)

    def forward(self, x):
        _, last = self.rnn(x)
        return self.logit(self.dropout(last.squeeze(0))).squeeze(-1)


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("seed", type=int, nargs="?", default=0)
    opts = ap.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(opts.seed)
    values, observed, sick = make_patients(1500, np.random.default_rng(opts.seed))

    split = 1100
    seen = np.where(observed[:split], values[:split], np.nan)
    centre, spread = np.nanmean(seen, axis=(0, 1)), np.nanstd(seen, axis=(0, 1))
    filled = np.where(observed, (values - centre) / spread, 0.0)
    x = torch.tensor(np.concatenate([filled, observed], axis=2), dtype=torch.float32)
    y = torch.tensor(sick)
    loader = DataLoader(TensorDataset(x[:split], y[:split]), batch_size=32, shuffle=True)

    model = Deterioration(len(VITALS))
    pos_weight = (1 - y[:split]).sum() / y[:split].sum()
    criterion = nn.BCEWithLogitsLoss(pos_weight=pos_weight)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
    for epoch in range(1, 9):
        model.train()
        losses = []
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            logits = model(x[split:])
            val_loss = criterion(logits, y[split:]).item()
        auc = roc_auc_score(sick[split:], logits.numpy())
        print(f"epoch {epoch}  train {np.mean(losses):.4f}  val {val_loss:.4f}  AUC {auc:.4f}")
    print(f"score: {balanced_accuracy_score(sick[split:], (logits > 0).numpy()):.4f}")
