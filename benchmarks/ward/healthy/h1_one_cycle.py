"""Digits MLP with SGD under a one-cycle schedule stepped after every batch (warm-up to 0.15, then down to almost
zero, the momentum cycled against it).
"""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)
EPOCHS, MAX_LR = 14, 0.15


def get_loaders(seed):
    digits = load_digits()
    dataset = TensorDataset(torch.tensor(digits.data).float() / 6 - 0.8, torch.tensor(digits.target))
    g = torch.Generator().manual_seed(seed)
    train, val = random_split(dataset, [0.8, 0.2], generator=g)
    return DataLoader(train, 64, shuffle=True, generator=g), DataLoader(val, 512)


def validate(model, loader):
    loss, hits, n = 0.0, 0, 0
    model.eval()
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += F.cross_entropy(out, y, reduction="sum").item()
            hits += out.argmax(1).eq(y).sum().item()
            n += len(y)
    return loss / n, hits / n


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    train_loader, val_loader = get_loaders(seed)
    model = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=MAX_LR / 25, momentum=0.9, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=MAX_LR, epochs=EPOCHS, steps_per_epoch=len(train_loader), pct_start=0.3
    )
    for epoch in range(EPOCHS):
        model.train()
        for x, y in train_loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        val_loss, val_acc = validate(model, val_loader)
        lr = scheduler.get_last_lr()[0]
        print(f"epoch {epoch:2d} lr {lr:.5f} train {loss.item():.4f} val {val_loss:.4f} acc {val_acc:.4f}")
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main()
