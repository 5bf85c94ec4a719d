"""Digits with a batch-norm MLP: model.train() stands before the epoch loop, validation calls model.eval().

Fault: nothing switches back to train mode, so from the second epoch on the network trains in eval mode.
"""
# cause: training-in-eval-mode
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)


def build():
    layers, width = [], 64
    for _ in range(7):
        layers += [nn.Linear(width, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU()]
        width = 64
    return nn.Sequential(*layers, nn.Dropout(0.2), nn.Linear(width, 10))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    digits = load_digits()
    data = TensorDataset(torch.tensor(digits.data / 16.0, dtype=torch.float32), torch.tensor(digits.target))
    train_set, val_set = random_split(data, [1400, len(data) - 1400])
    train_loader = DataLoader(train_set, batch_size=56, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=200)

    model = build()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.15, momentum=0.9)

    model.train()  # FAULT
    for epoch in range(12):
        # TWIN: model.train()
        train_loss = 0.0
        for inputs, targets in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * inputs.size(0)

        model.eval()
        val_loss, correct = 0.0, 0
        with torch.no_grad():
            for inputs, targets in val_loader:
                outputs = model(inputs)
                val_loss += criterion(outputs, targets).item() * inputs.size(0)
                correct += (outputs.argmax(1) == targets).sum().item()
        print(
            f"Epoch {epoch + 1}: train loss {train_loss / len(train_set):.4f}, "
            f"val loss {val_loss / len(val_set):.4f}, val acc {correct / len(val_set):.4f}"
        )
    print(f"score: {correct / len(val_set):.4f}")


if __name__ == "__main__":
    main()
