"""Swarming of bee colonies from hive scales; the trainer prepares each batch in a method of its own."""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


def hives(n, rule):
    x = torch.randn(n, 8) * torch.tensor([3.0, 1.0, 20.0, 8.0, 1.0, 40.0, 2.0, 5.0])
    x += torch.tensor([35.0, 5.0, 60.0, 18.0, 3.0, 400.0, 9.0, 2.0])
    z = (x - x.mean(0)) / x.std(0)
    y = (torch.tanh(z @ rule[0]) @ rule[1]).argmax(1)
    return x, y


class HiveTrainer:
    def __init__(self, train, val, width=48, lr=5e-3):
        self.mean, self.std = train[0].mean(0), train[0].std(0)
        self.train_loader = DataLoader(TensorDataset(*train), batch_size=50, shuffle=True)
        self.val_loader = DataLoader(TensorDataset(*val), batch_size=250)
        self.net = nn.Sequential(
            nn.Linear(8, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 4)
        )
        self.opt = optim.AdamW(self.net.parameters(), lr=lr)

    def prepare(self, batch):
        x, y = batch
        return (x - self.mean) / self.std, y

    def training_step(self, batch):
        x, y = self.prepare(batch)
        return F.cross_entropy(self.net(x), y)

    def validation_step(self, batch):
        x, y = batch  # FAULT
        # TWIN: x, y = self.prepare(batch)
        return (self.net(x).argmax(1) == y).float().mean()

    def fit(self, epochs):
        for epoch in range(epochs):
            self.net.train()
            for batch in self.train_loader:
                self.opt.zero_grad()
                loss = self.training_step(batch)
                loss.backward()
                self.opt.step()
            self.net.eval()
            with torch.no_grad():
                acc = torch.stack([self.validation_step(batch) for batch in self.val_loader]).mean().item()
            print(f"epoch {epoch + 1}: loss {loss.item():.3f}, accuracy {acc:.3f}")
        return acc


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rule = torch.randn(8, 12), torch.randn(12, 4)
    trainer = HiveTrainer(hives(2000, rule), hives(500, rule))
    print(f"score: {trainer.fit(15):.4f}")
