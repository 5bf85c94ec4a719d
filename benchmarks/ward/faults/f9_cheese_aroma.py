"""Ripeness of cheese (continuous) from its aroma profile. Gradients of several batches are added up before a step,
for the big model of last year did not fit on the card otherwise; batches have grown since."""
# cause: missing-step
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Config:
    batch_size = 100
    accumulate = 32  # FAULT
    # TWIN: accumulate = 2
    lr = 6e-3
    epochs = 30


def profiles(n):
    x = torch.randn(n, 14)
    ripeness = torch.tanh(x[:, 0] - x[:, 1]) + 0.5 * x[:, 2] * x[:, 3] + 0.4 * x[:, 4].abs() - 0.3
    return x, (ripeness + 0.1 * torch.randn(n)).unsqueeze(1)


def train_epoch(model, loader, optimizer, loss_fn):
    model.train()
    optimizer.zero_grad()
    total = 0.0
    for i, (x, y) in enumerate(loader, start=1):
        loss = loss_fn(model(x), y)
        (loss / Config.accumulate).backward()
        total += loss.item()
        if i % Config.accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
    return total / len(loader)


def validate(model, x, y):
    model.eval()
    with torch.no_grad():
        return 1 - (nn.functional.mse_loss(model(x), y) / y.var()).item()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    loader = DataLoader(TensorDataset(*profiles(2400)), batch_size=Config.batch_size, shuffle=True)
    held_out = profiles(500)
    model = nn.Sequential(nn.Linear(14, 48), nn.GELU(), nn.Linear(48, 48), nn.GELU(), nn.Linear(48, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=Config.lr, weight_decay=1e-3)
    loss_fn = nn.MSELoss()
    for epoch in range(Config.epochs):
        loss = train_epoch(model, loader, optimizer, loss_fn)
        r2 = validate(model, *held_out)
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1} loss {loss:.4f} r2 {r2:.4f}")
    print(f"score: {r2:.4f}")


main()
