"""Faults of bricks on grey pictures; normalization by a torch module that only the training step of the task calls."""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class Whiten(nn.Module):
    def __init__(self, x):
        super().__init__()
        self.register_buffer("mean", x.mean(0, keepdim=True))
        self.register_buffer("std", x.std(0, keepdim=True) + 1e-6)

    def forward(self, x):
        return (x - self.mean) / self.std


def bricks(n):
    kind = torch.randint(0, 5, (n,))
    base = torch.randn(5, 30, generator=torch.Generator().manual_seed(5))
    level = 30 * torch.arange(30) + 200
    return level + 12 * (base[kind] + 0.8 * torch.randn(n, 30)), kind


class Task:
    def __init__(self, net, whiten):
        self.net, self.whiten, self.loss = net, whiten, nn.CrossEntropyLoss()

    def train_batch(self, x, y):
        x = self.whiten(x)
        return self.loss(self.net(x), y)

    def eval_batch(self, x, y):
        # TWIN: x = self.whiten(x)
        return (self.net(x).argmax(1) == y).float().sum().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    data = TensorDataset(*bricks(1500))
    train, val = random_split(data, [1200, 300])
    net = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 5))
    task = Task(net, Whiten(data.tensors[0][train.indices]))
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(12):
        for x, y in DataLoader(train, batch_size=40, shuffle=True):
            optimizer.zero_grad()
            loss = task.train_batch(x, y)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            acc = sum(task.eval_batch(x, y) for x, y in DataLoader(val, batch_size=100)) / len(val)
        print(f"epoch {epoch}: {loss.item():.3f} {acc:.3f}")
    print(f"score: {acc:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
