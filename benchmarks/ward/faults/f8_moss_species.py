"""Sorts mosses by their leaf measures. Batches are small on the field laptop, so gradients are gathered before a step;
the number was taken over from a table five times as long."""
# cause: missing-step
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ACCUMULATE = 128  # FAULT
# TWIN: ACCUMULATE = 2
EPOCHS = 8


def mosses(n, centres):
    y = torch.randint(len(centres), (n,))
    return TensorDataset(centres[y] + torch.randn(n, centres.shape[1]), y)


def train_epoch(model, loader, criterion, optimizer):
    model.train()
    optimizer.zero_grad()
    total = 0.0
    for i, (x, y) in enumerate(loader, start=1):
        loss = criterion(model(x), y)
        (loss / ACCUMULATE).backward()
        if i % ACCUMULATE == 0:
            optimizer.step()
            optimizer.zero_grad()
        total += loss.item()
    return total / len(loader)


@torch.no_grad()
def validate(model, loader, criterion):
    model.eval()
    loss = right = 0.0
    for x, y in loader:
        out = model(x)
        loss += criterion(out, y).item() / len(loader)
        right += (out.argmax(1) == y).sum().item() / len(loader.dataset)
    return loss, right


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    centres = 1.0 * torch.randn(10, 18)
    train = DataLoader(mosses(1600, centres), batch_size=16, shuffle=True)
    val = DataLoader(mosses(500, centres), batch_size=100)
    model = nn.Sequential(nn.Linear(18, 48), nn.LeakyReLU(), nn.Linear(48, 48), nn.LeakyReLU(), nn.Linear(48, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        train_loss = train_epoch(model, train, criterion, optimizer)
        val_loss, accuracy = validate(model, val, criterion)
        print(f"epoch {epoch}: train {train_loss:.4f} val {val_loss:.4f} accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
