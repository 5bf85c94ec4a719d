"""Multi-label faults of a bearing from its vibration (inner race, outer race, ball, imbalance; several at once): conv1d
with batch norm and global pooling, BCE with positive weights, a Trainer class. Score: macro F1 on test signals.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import f1_score
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
PERIODS = (9, 14, 22)


def signals(n, rng, length=192):
    y = rng.random((n, 4)) < np.array([0.25, 0.3, 0.2, 0.3])
    t = np.arange(length)
    x = rng.normal(0, 0.5, (n, length))
    for i in range(n):
        for k, period in enumerate(PERIODS):
            if y[i, k]:
                hits = np.zeros(length)
                hits[rng.integers(period) :: period] = rng.uniform(1.8, 3.2)
                x[i] += np.convolve(hits, np.exp(-t[:8] / 2) * np.cos((1 + 0.6 * k) * t[:8]))[:length]
        if y[i, 3]:
            x[i] += rng.uniform(0.5, 1.0) * np.sin(0.13 * t + rng.uniform(0, 6.28))
    return torch.tensor(x, dtype=torch.float32)[:, None], torch.tensor(y, dtype=torch.float32)


def conv_block(i, o, k, s):
    return nn.Sequential(nn.Conv1d(i, o, k, stride=s, padding=k // 2, bias=False), nn.BatchNorm1d(o), nn.ReLU())


class FaultNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(conv_block(1, 24, 25, 2), conv_block(24, 32, 9, 2), conv_block(32, 48, 5, 2))
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(48, 4))

    def forward(self, x):
        return self.head(self.features(x).mean(2))


class Trainer:
    def __init__(self, model, train, val, epochs, lr, pos_weight):
        self.model, self.train_loader, self.val_loader, self.epochs = model, train, val, epochs
        self.criterion = nn.BCEWithLogitsLoss(pos_weight=pos_weight)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=1e-2)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, epochs * len(train))

    def fit(self):
        for epoch in range(1, self.epochs + 1):
            self.model.train()
            total = 0.0
            for x, y in self.train_loader:
                self.optimizer.zero_grad(set_to_none=True)
                loss = self.criterion(self.model(x), y)
                loss.backward()
                self.optimizer.step()
                self.scheduler.step()
                total += loss.item()
            val_loss, f1 = self.evaluate(self.val_loader)
            print(f"epoch {epoch}: train {total / len(self.train_loader):.4f} val {val_loss:.4f} f1 {f1:.4f}")

    @torch.inference_mode()
    def evaluate(self, loader):
        self.model.eval()
        out, y = (torch.cat(t) for t in zip(*[(self.model(x), y) for x, y in loader]))
        return self.criterion(out, y).item(), f1_score(y.numpy(), (out > 0).numpy(), average="macro")


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = signals(3000, rng)
    mean, std = x[:2000].mean(), x[:2000].std()
    x = (x - mean) / std

    def make(a, b, shuffle=False):
        return DataLoader(TensorDataset(x[a:b], y[a:b]), batch_size=50, shuffle=shuffle)

    positive = y[:2000].mean(0)
    trainer = Trainer(FaultNet(), make(0, 2000, True), make(2000, 2400), 12, 4e-3, ((1 - positive) / positive).sqrt())
    trainer.fit()
    print(f"score: {trainer.evaluate(make(2400, 3000))[1]:.4f}")


if __name__ == "__main__":
    main()
