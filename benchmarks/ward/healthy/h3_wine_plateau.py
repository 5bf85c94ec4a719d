"""Wine classification with batch norm and dropout; the learning rate halves when the validation loss stops falling
(ReduceLROnPlateau), and a separate test part gives the score.
"""

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def tensors(x, y):
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.long)


def evaluate(model, x, y, loss_fn):
    model.eval()
    with torch.no_grad():
        out = model(x)
        return loss_fn(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    data, target = load_wine(return_X_y=True)
    x, x_test, y, y_test = train_test_split(data, target, test_size=40, random_state=seed, stratify=target)
    x, x_val, y, y_val = train_test_split(x, y, test_size=30, random_state=seed, stratify=y)
    scaler = StandardScaler().fit(x)
    train = tensors(scaler.transform(x), y)
    val = tensors(scaler.transform(x_val), y_val)
    test = tensors(scaler.transform(x_test), y_test)

    model = nn.Sequential(nn.Linear(13, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Dropout(0.2), nn.Linear(24, 3))
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=5)
    loader = DataLoader(TensorDataset(*train), batch_size=18, shuffle=True)

    for epoch in range(60):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        val_loss, val_acc = evaluate(model, *val, loss_fn)
        scheduler.step(val_loss)
        if epoch % 10 == 9:
            lr = optimizer.param_groups[0]["lr"]
            print(f"{epoch + 1:3d} train {total / len(loader):.4f} val {val_loss:.4f} acc {val_acc:.3f} lr {lr:g}")

    test_loss, test_acc = evaluate(model, *test, loss_fn)
    print(f"test loss {test_loss:.4f}")
    print(f"score: {test_acc:.4f}")


main()
