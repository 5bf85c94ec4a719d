"""Passing time at a lock in seconds. A trainer with training_step and validation_step; the targets come in a dict."""
# cause: unscaled-targets
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Passages(Dataset):
    def __init__(self, n):
        self.x = torch.randn(n, 6)
        base = 900 + 300 * self.x[:, 0] * self.x[:, 1] + 250 * self.x[:, 2].abs() - 200 * self.x[:, 3]
        self.seconds = base * 60 + 200 * torch.randn(n)
        # TWIN: self.seconds = (self.seconds - 6e4) / 3e4

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return {"x": self.x[i], "seconds": self.seconds[i]}


class LockTrainer:
    def __init__(self, model, train, val):
        self.model, self.train_loader, self.val_loader = model, train, val
        self.optimizer = self.configure_optimizer()
        self.loss_fn = nn.MSELoss()

    def configure_optimizer(self):
        return torch.optim.Adam(self.model.parameters(), lr=3e-3)

    def training_step(self, batch):
        predicted = self.model(batch["x"]).squeeze(1)
        return self.loss_fn(predicted, batch["seconds"])

    def validation_step(self, batch):
        predicted = self.model(batch["x"]).squeeze(1)
        rest = (predicted - batch["seconds"]).pow(2).sum()
        return rest, (batch["seconds"] - batch["seconds"].mean()).pow(2).sum()

    def fit(self, epochs):
        for epoch in range(epochs):
            for batch in self.train_loader:
                loss = self.training_step(batch)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            print(f"epoch {epoch}: {loss.item():.4g}, R2 {self.validate():.4f}")

    def validate(self):
        with torch.no_grad():
            rest, total = zip(*[self.validation_step(batch) for batch in self.val_loader])
        return 1 - (sum(rest) / sum(total)).item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    train = DataLoader(Passages(2000), batch_size=50, shuffle=True)
    trainer = LockTrainer(model, train, DataLoader(Passages(500), batch_size=500))
    trainer.fit(20)
    print(f"score: {trainer.validate():.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
