"""Benign or malignant (scikit-learn's breast cancer set): five-fold cross-validation of a small MLP with batch norm, a
new network per fold, the scaler fitted on each fold's training part. Score: mean accuracy of the folds.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
CONFIG = {"hidden": 24, "lr": 2e-3, "weight_decay": 1e-2, "epochs": 20, "batch_size": 32, "folds": 5}


def build_model():
    h = CONFIG["hidden"]
    return nn.Sequential(nn.Linear(30, h), nn.BatchNorm1d(h), nn.ReLU(), nn.Dropout(0.2), nn.Linear(h, 2))


def train_one_epoch(model, loader, criterion, optimizer):
    model.train()
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, x, y, criterion):
    model.eval()
    logits = model(x)
    return criterion(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    x, y = load_breast_cancer(return_X_y=True)
    folds = StratifiedKFold(CONFIG["folds"], shuffle=True, random_state=seed)
    accuracies = []
    for fold, (train_idx, test_idx) in enumerate(folds.split(x, y)):
        scaler = StandardScaler().fit(x[train_idx])
        features = torch.tensor(scaler.transform(x), dtype=torch.float32)
        labels = torch.tensor(y)
        dataset = TensorDataset(features[train_idx], labels[train_idx])
        loader = DataLoader(dataset, batch_size=CONFIG["batch_size"], shuffle=True, drop_last=True)
        model, criterion = build_model(), nn.CrossEntropyLoss()
        optimizer = torch.optim.AdamW(model.parameters(), lr=CONFIG["lr"], weight_decay=CONFIG["weight_decay"])
        for epoch in range(CONFIG["epochs"]):
            train_loss = train_one_epoch(model, loader, criterion, optimizer)
        test_loss, accuracy = evaluate(model, features[test_idx], labels[test_idx], criterion)
        accuracies.append(accuracy)
        print(f"fold {fold}: train {train_loss:.4f} test {test_loss:.4f} accuracy {accuracy:.4f}")
    print(f"accuracy {np.mean(accuracies):.4f} +- {np.std(accuracies):.4f}")
    print(f"score: {np.mean(accuracies):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
