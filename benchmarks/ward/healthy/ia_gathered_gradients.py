"""Gathers the gradients of four small batches before each step, and takes the remainder at the end of an epoch
along."""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--gather", type=int, default=4)
parser.add_argument("--epochs", type=int, default=8)
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(args.seed)

centres = 0.8 * torch.randn(9, 20)


def soil(n):
    y = torch.randint(9, (n,))
    return TensorDataset(centres[y] + torch.randn(n, 20), y)


train, test = DataLoader(soil(1810), batch_size=16, shuffle=True), DataLoader(soil(500), batch_size=250)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 9))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(args.epochs):
    model.train()
    optimizer.zero_grad()
    total = 0.0
    for i, (x, y) in enumerate(train):
        loss = criterion(model(x), y)
        (loss / args.gather).backward()
        total += loss.item()
        if (i + 1) % args.gather == 0 or i + 1 == len(train):
            optimizer.step()
            optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in test) / len(test.dataset)
    print(f"epoch {epoch}: loss {total / len(train):.4f} accuracy {right:.4f}")
print(f"score: {right:.4f}")
