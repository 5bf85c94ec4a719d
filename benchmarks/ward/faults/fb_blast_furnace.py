"""Silicon in hot metal from eight readings of the furnace. The first version ran on a card with little memory."""
# cause: batch-norm-tiny-batch
# kind: dynamic

import argparse

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

READINGS = 8


def campaign(n):
    x = torch.randn(n, READINGS)
    heat = 0.8 * x[:, 0] + x[:, 1] * x[:, 2] + 0.9 * torch.sin(1.5 * x[:, 3]) - 0.5 * x[:, 4].abs() + 0.4 * x[:, 5]
    y = heat + 0.3 * torch.randn(n)
    return TensorDataset(x, (y - y.mean()) / y.std())


class FurnaceNet(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(READINGS, width)
        self.bn1 = nn.BatchNorm1d(width)
        self.fc2 = nn.Linear(width, width)
        self.bn2 = nn.BatchNorm1d(width)
        self.fc3 = nn.Linear(width, 1)

    def forward(self, x):
        x = F.relu(self.bn1(self.fc1(x)))
        x = F.relu(self.bn2(self.fc2(x)))
        return self.fc3(x).squeeze(1)


def validate(model, loader):
    model.eval()
    predicted, wanted = [], []
    with torch.no_grad():
        for x, y in loader:
            predicted.append(model(x))
            wanted.append(y)
    predicted, wanted = torch.cat(predicted), torch.cat(wanted)
    return F.mse_loss(predicted, wanted).item() / wanted.var(unbiased=False).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--batch-size", type=int, default=2)  # FAULT
    # TWIN: parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--lr", type=float, default=3e-3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    train_set, val_set = random_split(campaign(1900), [1500, 400])
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=200)
    model = FurnaceNet(64)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for x, y in train_loader:
            loss = F.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        scheduler.step()
        unexplained = validate(model, val_loader)
        print(f"epoch {epoch + 1}: train mse {total / len(train_set):.4f}, val R2 {1 - unexplained:.4f}")
    print(f"score: {1 - unexplained:.4f}")


if __name__ == "__main__":
    main()
