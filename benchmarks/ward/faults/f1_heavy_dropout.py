"""Digits with an MLP that drops 95 % of each hidden layer (TDC over_regularization, UMLAUT)."""
# cause: over-regularization
# kind: dynamic

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split


class Net(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.fc1 = nn.Linear(64, 128)
        self.fc2 = nn.Linear(128, 64)
        self.fc3 = nn.Linear(64, 10)
        self.drop = nn.Dropout(p)

    def forward(self, x):
        x = self.drop(F.relu(self.fc1(x)))
        x = self.drop(F.relu(self.fc2(x)))
        return F.log_softmax(self.fc3(x), dim=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    digits = load_digits()
    dataset = TensorDataset(torch.tensor(digits.data).float() / 16, torch.tensor(digits.target))
    train_set, val_set = random_split(dataset, [1437, 360], generator=torch.Generator().manual_seed(args.seed))
    train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=360)

    model = Net(p=0.95)  # FAULT
    # TWIN: model = Net(p=0.1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(1, args.epochs + 1):
        model.train()
        total_loss, hits = 0.0, 0
        for x, y in train_loader:
            optimizer.zero_grad()
            output = model(x)
            loss = F.nll_loss(output, y)
            loss.backward()
            optimizer.step()
            total_loss += loss.item() * len(y)
            hits += output.argmax(1).eq(y).sum().item()
        model.eval()
        with torch.no_grad():
            x, y = next(iter(val_loader))
            output = model(x)
            val_loss, val_acc = F.nll_loss(output, y).item(), output.argmax(1).eq(y).float().mean().item()
        if epoch % 4 == 0:
            print(
                f"{epoch:3d} | train loss {total_loss / 1437:.3f} acc {hits / 1437:.3f} "
                f"| val loss {val_loss:.3f} acc {val_acc:.3f}"
            )
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main()
