"""Digits classifier with dropout and Adam at a learning rate of 1e-6 (TDC low_lr)."""
# cause: learning-rate-too-low
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CONFIG = {
    "batch_size": 32,
    "epochs": 15,
    "lr": 1e-6,  # FAULT
    # TWIN: "lr": 1e-3,
    "hidden": 96,
    "dropout": 0.2,
}


def loaders(seed):
    x, y = load_digits(return_X_y=True)
    x_train, x_val, y_train, y_val = train_test_split(x / 16, y, test_size=0.2, random_state=seed, stratify=y)
    train = TensorDataset(torch.tensor(x_train).float(), torch.tensor(y_train))
    val = TensorDataset(torch.tensor(x_val).float(), torch.tensor(y_val))
    return DataLoader(train, CONFIG["batch_size"], shuffle=True), DataLoader(val, 128)


def build():
    h = CONFIG["hidden"]
    return nn.Sequential(
        nn.Linear(64, h), nn.ReLU(), nn.Dropout(CONFIG["dropout"]), nn.Linear(h, h), nn.ReLU(), nn.Linear(h, 10)
    )


def run(seed):
    torch.manual_seed(seed)
    train_loader, val_loader = loaders(seed)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=CONFIG["lr"])
    criterion = nn.CrossEntropyLoss()
    for epoch in range(CONFIG["epochs"]):
        model.train()
        train_loss = 0.0
        for inputs, labels in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), labels)
            loss.backward()
            optimizer.step()
            train_loss += loss.item()
        model.eval()
        val_loss, correct, total = 0.0, 0, 0
        with torch.no_grad():
            for inputs, labels in val_loader:
                outputs = model(inputs)
                val_loss += criterion(outputs, labels).item()
                _, predicted = torch.max(outputs, 1)
                total += labels.size(0)
                correct += (predicted == labels).sum().item()
        print(
            f"Epoch {epoch + 1}/{CONFIG['epochs']} - loss: {train_loss / len(train_loader):.4f} "
            f"- val_loss: {val_loss / len(val_loader):.4f} - val_acc: {correct / total:.4f}"
        )
    return correct / total


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"score: {run(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
