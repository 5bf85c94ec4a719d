"""Trains a network on digits, prunes the neurons with the smallest weights (the layers are rebuilt smaller, as a model
speed-up does), then fine-tunes the small network.

After https://github.com/microsoft/nni/issues/4521
"""
# cause: stale-optimizer
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 128)
        self.fc2 = nn.Linear(128, 64)
        self.fc3 = nn.Linear(64, 10)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


def smaller(layer, rows, columns):
    """A new layer with only the given output rows and input columns of the old one."""
    new = nn.Linear(len(columns), len(rows))
    new.weight.data = layer.weight.data[rows][:, columns].clone()
    new.bias.data = layer.bias.data[rows].clone()
    return new


def speedup_model(model, sparsity):
    def keep(layer):
        count = max(1, int(layer.out_features * (1 - sparsity)))
        return layer.weight.data.abs().sum(1).topk(count).indices.sort().values

    kept1, kept2 = keep(model.fc1), keep(model.fc2)
    model.fc1 = smaller(model.fc1, kept1, torch.arange(64))
    model.fc2 = smaller(model.fc2, kept2, kept1)
    model.fc3 = smaller(model.fc3, torch.arange(10), kept2)
    return model


def trainer(model, optimizer, criterion, loader, epochs, tag):
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for data, target in loader:
            optimizer.zero_grad()
            loss = criterion(model(data), target)
            loss.backward()
            optimizer.step()
            total += loss.item()
        if epoch % 3 == 2:
            print(f"{tag} epoch {epoch + 1}: loss {total / len(loader):.4f}")


def evaluator(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    np.random.seed(seed)
    x, y = load_digits(return_X_y=True)
    x = torch.tensor(x / 16.0, dtype=torch.float32)
    y = torch.tensor(y)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, random_state=seed, stratify=y)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)

    model = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    trainer(model, optimizer, criterion, loader, 18, "pretrain")
    print(f"accuracy before pruning: {evaluator(model, x_test, y_test):.4f}")

    model = speedup_model(model, sparsity=0.8)
    print(f"accuracy after pruning: {evaluator(model, x_test, y_test):.4f}")
    print("parameters left:", sum(p.numel() for p in model.parameters()))

    trainer(model, optimizer, criterion, loader, 18, "finetune")  # FAULT
    # TWIN: optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    # TWIN: trainer(model, optimizer, criterion, loader, 18, "finetune")
    accuracy = evaluator(model, x_test, y_test)
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
