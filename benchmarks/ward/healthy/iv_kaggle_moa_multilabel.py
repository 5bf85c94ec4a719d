"""Many-label prediction from gene-like features: k-fold networks with weight norm and smoothed targets, OneCycleLR, average over folds.

After the common PyTorch baselines of Kaggle's "Mechanisms of Action (MoA) Prediction", https://www.kaggle.com/c/lish-moa
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold
from sklearn.preprocessing import QuantileTransformer
from torch.nn.utils.parametrizations import weight_norm

NFOLDS, EPOCHS, BATCH, TARGETS, FEATURES = 3, 8, 64, 12, 60


def make_moa(n, rng, mix):
    """Each mechanism pushes a handful of genes; a sample has few mechanisms."""
    y = (rng.random((n, TARGETS)) < 0.12).astype(np.float32)
    latent = y @ mix["push"] + rng.normal(size=(n, 8)) @ mix["batch"]
    return np.sinh(0.7 * (latent + rng.normal(0, 1.0, (n, FEATURES)))), y


class MoADataset:
    def __init__(self, features, targets):
        self.features, self.targets = features, targets

    def __len__(self):
        return len(self.features)

    def __getitem__(self, idx):
        return {
            "x": torch.tensor(self.features[idx], dtype=torch.float),
            "y": torch.tensor(self.targets[idx], dtype=torch.float),
        }


class Model(nn.Module):
    def __init__(self, num_features, num_targets, hidden_size):
        super().__init__()
        self.net = nn.Sequential(
            nn.BatchNorm1d(num_features),
            nn.Dropout(0.1),
            weight_norm(nn.Linear(num_features, hidden_size)),
            nn.LeakyReLU(),
            nn.BatchNorm1d(hidden_size),
            nn.Dropout(0.2),
            weight_norm(nn.Linear(hidden_size, hidden_size)),
            nn.LeakyReLU(),
            nn.BatchNorm1d(hidden_size),
            nn.Dropout(0.2),
            weight_norm(nn.Linear(hidden_size, num_targets)),
        )

    def forward(self, x):
        return self.net(x)


class SmoothBCEwLogits(nn.Module):
    def __init__(self, smoothing=0.001):
        super().__init__()
        self.smoothing, self.loss = smoothing, nn.BCEWithLogitsLoss()

    def forward(self, inputs, targets):
        return self.loss(inputs, targets * (1 - self.smoothing) + 0.5 * self.smoothing)


def train_fn(model, optimizer, scheduler, loss_fn, dataloader):
    model.train()
    final_loss = 0
    for data in dataloader:
        optimizer.zero_grad()
        loss = loss_fn(model(data["x"]), data["y"])
        loss.backward()
        optimizer.step()
        scheduler.step()
        final_loss += loss.item()
    return final_loss / len(dataloader)


def inference_fn(model, features):
    model.eval()
    with torch.no_grad():
        return model(torch.tensor(features, dtype=torch.float)).sigmoid().numpy()


def log_loss(pred, y):
    p = np.clip(pred, 1e-5, 1 - 1e-5)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()


def run_training(fold, X, y, trn, val, X_test, seed):
    torch.manual_seed(seed * 100 + fold)
    scaler = QuantileTransformer(n_quantiles=100, output_distribution="normal", random_state=0).fit(X[trn])
    loader = torch.utils.data.DataLoader(
        MoADataset(scaler.transform(X[trn]), y[trn]), batch_size=BATCH, shuffle=True, drop_last=True
    )
    X_val = scaler.transform(X[val])
    model = Model(FEATURES, TARGETS, 96)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-5)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, pct_start=0.1, div_factor=1e2, max_lr=1e-2, epochs=EPOCHS, steps_per_epoch=len(loader)
    )
    for epoch in range(EPOCHS):
        train_loss = train_fn(model, optimizer, scheduler, SmoothBCEwLogits(), loader)
        valid_loss = log_loss(inference_fn(model, X_val), y[val])
        if epoch % 2 == 1:
            print(f"FOLD: {fold}, EPOCH: {epoch + 1}, train_loss: {train_loss:.4f}, valid_loss: {valid_loss:.4f}")
    return inference_fn(model, X_val), inference_fn(model, scaler.transform(X_test))


def main(seed):
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    push = rng.normal(0, 1.4, (TARGETS, FEATURES)) * (rng.random((TARGETS, FEATURES)) < 0.3)
    mix = {"push": push, "batch": rng.normal(0, 0.3, (8, FEATURES))}
    X, y = make_moa(2000, rng, mix)
    X_test, y_test = make_moa(1000, rng, mix)
    oof, test_pred = np.zeros_like(y), np.zeros_like(y_test)
    for fold, (trn, val) in enumerate(KFold(NFOLDS, shuffle=True, random_state=seed).split(X)):
        oof[val], pred = run_training(fold, X, y, trn, val, X_test, seed)
        test_pred += pred / NFOLDS
    prior = log_loss(np.broadcast_to(y.mean(0), y_test.shape), y_test)
    print(f"CV log_loss: {log_loss(oof, y):.4f}; test {log_loss(test_pred, y_test):.4f}; rates alone {prior:.4f}")
    print(f"score: {roc_auc_score(y_test, test_pred, average='macro'):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
