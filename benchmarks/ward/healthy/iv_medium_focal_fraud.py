"""Rare fraud among card transactions: binary focal loss, standardized inputs, early stopping on validation average precision.

After the Medium and Kaggle tutorials on imbalanced classification with focal loss (Lin et al. 2017) on the credit card fraud data.
"""

import copy
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset


class FocalLoss(nn.Module):
    def __init__(self, alpha=0.75, gamma=2.0):
        super().__init__()
        self.alpha, self.gamma = alpha, gamma

    def forward(self, logits, targets):
        bce = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        p_t = torch.exp(-bce)
        alpha_t = self.alpha * targets + (1 - self.alpha) * (1 - targets)
        return (alpha_t * (1 - p_t) ** self.gamma * bce).mean()


class FraudNet(nn.Module):
    def __init__(self, n_features, rate):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_features, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1)
        )
        # start at the rate of the rare class, as the paper advises
        nn.init.constant_(self.net[-1].bias, float(np.log(rate / (1 - rate))))

    def forward(self, x):
        return self.net(x).squeeze(1)


@torch.no_grad()
def predict(model, X):
    model.eval()
    return torch.sigmoid(model(X)).numpy()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    X, y = make_classification(
        12000,
        20,
        n_informative=8,
        n_redundant=4,
        n_clusters_per_class=2,
        weights=[0.96],
        class_sep=1.5,
        flip_y=0.005,
        random_state=seed,
    )
    X_rest, X_test, y_rest, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=seed)
    X_train, X_val, y_train, y_val = train_test_split(
        X_rest, y_rest, test_size=0.25, stratify=y_rest, random_state=seed
    )
    scaler = StandardScaler().fit(X_train)
    X_train, X_val, X_test = (torch.tensor(scaler.transform(a), dtype=torch.float32) for a in (X_train, X_val, X_test))
    print(f"{y_train.sum()} frauds among {len(y_train)} training rows")

    loader = DataLoader(
        TensorDataset(X_train, torch.tensor(y_train, dtype=torch.float32)), batch_size=128, shuffle=True
    )
    model, criterion = FraudNet(X_train.shape[1], y_train.mean()), FocalLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    best, best_state, bad_epochs = 0.0, None, 0
    for epoch in range(15):
        model.train()
        total = 0.0
        for xb, yb in loader:
            loss = criterion(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(yb)
        ap = average_precision_score(y_val, predict(model, X_val))
        print(f"Epoch {epoch + 1:2d} | loss {total / len(y_train):.5f} | val AP {ap:.4f}")
        if ap > best:
            best, best_state, bad_epochs = ap, copy.deepcopy(model.state_dict()), 0
        else:
            bad_epochs += 1
            if bad_epochs == 4:
                print("early stopping")
                break
    model.load_state_dict(best_state)
    scores = predict(model, X_test)
    print(f"test: ROC AUC {roc_auc_score(y_test, scores):.4f}, fraud rate (AP by chance) {y_test.mean():.4f}")
    print(f"score: {average_precision_score(y_test, scores):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
