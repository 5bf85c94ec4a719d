"""Small noisy table, MLP with batch norm and strong dropout; score is minus the validation cross-entropy.

Fault: model.train() stands before the epoch loop and validation calls model.eval(), so from the second epoch on the
network is trained in eval mode, without dropout and with frozen batch-norm statistics.
"""
# cause: training-in-eval-mode
# accept: overfitting
# kind: dynamic

import sys

import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def build(n_features, n_classes):
    layers, width = [], n_features
    for _ in range(2):
        layers += [nn.Linear(width, 128, bias=False), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.6)]
        width = 128
    return nn.Sequential(*layers, nn.Linear(width, n_classes))


def load(seed):
    X, y = make_classification(
        n_samples=1000, n_features=20, n_informative=8, n_classes=3, class_sep=1.6, flip_y=0.1, random_state=seed
    )
    X = torch.tensor((X - X[:400].mean(axis=0)) / X[:400].std(axis=0), dtype=torch.float32)
    y = torch.tensor(y)
    return TensorDataset(X[:400], y[:400]), TensorDataset(X[400:], y[400:])


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    train_set, val_set = load(seed)
    train_loader = DataLoader(train_set, batch_size=40, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=200)

    model = build(20, 3)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    model.train()  # FAULT
    for epoch in range(50):
        # TWIN: model.train()
        train_loss = 0.0
        for inputs, targets in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * inputs.size(0) / len(train_set)

        model.eval()
        val_loss, correct = 0.0, 0
        with torch.no_grad():
            for inputs, targets in val_loader:
                outputs = model(inputs)
                val_loss += criterion(outputs, targets).item() * inputs.size(0) / len(val_set)
                correct += (outputs.argmax(1) == targets).sum().item()
        acc = correct / len(val_set)
        print(f"Epoch {epoch + 1}: train loss {train_loss:.4f}, val loss {val_loss:.4f}, val acc {acc:.4f}")
    print(f"score: {-val_loss:.4f}")


if __name__ == "__main__":
    main()
