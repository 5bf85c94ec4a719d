"""Digits MLP with SGD and a cosine schedule.

Fault: only scheduler.step() is called in the batch loop, optimizer.step() is missing.
"""
# cause: missing-step
# kind: dynamic

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def get_loaders(seed, batch_size):
    bunch = load_digits()
    dataset = TensorDataset(torch.tensor(bunch.data / 16.0).float(), torch.tensor(bunch.target).long())
    gen = torch.Generator().manual_seed(seed)
    train, val = random_split(dataset, [0.75, 0.25], generator=gen)
    return DataLoader(train, batch_size=batch_size, shuffle=True), DataLoader(val, batch_size=256)


def validate(model, loader, criterion):
    model.eval()
    loss_sum, acc_sum, n = 0.0, 0.0, 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss_sum += criterion(out, y).item() * len(y)
            acc_sum += (out.argmax(1) == y).float().sum().item()
            n += len(y)
    return loss_sum / n, acc_sum / n


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=12)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)

    train_loader, val_loader = get_loaders(args.seed, 32)
    model = nn.Sequential(nn.Linear(64, 96), nn.LeakyReLU(), nn.Dropout(0.2), nn.Linear(96, 10))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs * len(train_loader))
    for epoch in range(args.epochs):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            # TWIN: optimizer.step()
            scheduler.step()
        val_loss, val_acc = validate(model, val_loader, criterion)
        print(f"epoch {epoch:2d} lr {scheduler.get_last_lr()[0]:.4f} val_loss {val_loss:.4f} val_acc {val_acc:.4f}")
    print(f"score: {val_acc:.4f}")
