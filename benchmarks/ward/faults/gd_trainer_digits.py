"""Digits with a small reusable Trainer class (fit, evaluate, history) and a deep residual net; ExponentialLR, light weight decay and
random one-pixel shifts of the training images.
"""
# cause: exploding-gradient
# kind: dynamic

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset, Subset

torch.set_num_threads(1)


class Digits(Dataset):
    def __init__(self, augment):
        bunch = load_digits()
        self.images = (torch.tensor(bunch.images, dtype=torch.float32) - 4.9) / 6.0
        self.labels = torch.tensor(bunch.target)
        self.augment = augment

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i]
        if self.augment:
            image = torch.roll(image, int(torch.randint(-1, 2, ())), dims=1)
        return image.flatten(), self.labels[i]


class Trainer:
    def __init__(self, model, optimizer, scheduler, criterion):
        self.model, self.optimizer, self.scheduler, self.criterion = model, optimizer, scheduler, criterion
        self.history = []

    def train_step(self, x, y):
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def evaluate(self, loader):
        self.model.eval()
        loss, correct, n = 0.0, 0, 0
        for x, y in loader:
            out = self.model(x)
            loss += self.criterion(out, y).item() * len(y)
            correct += out.argmax(1).eq(y).sum().item()
            n += len(y)
        return {"val_loss": loss / n, "val_acc": correct / n}

    def fit(self, train_loader, val_loader, epochs):
        for epoch in range(1, epochs + 1):
            self.model.train()
            losses = [self.train_step(x, y) for x, y in train_loader]
            self.scheduler.step()
            logs = {"loss": sum(losses) / len(losses), **self.evaluate(val_loader)}
            self.history.append(logs)
            print(f"Epoch {epoch:2d}/{epochs}", " - ".join(f"{k}: {v:.4f}" for k, v in logs.items()))
        return self.history


class Residual(nn.Module):  # FAULT
    def __init__(self, width):  # FAULT
        super().__init__()  # FAULT
        self.body = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))  # FAULT
        for layer in (self.body[0], self.body[2]):  # FAULT
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")  # FAULT

    def forward(self, x):  # FAULT
        return x + self.body(x)  # FAULT


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    indices = torch.randperm(1797).tolist()
    train_loader = DataLoader(Subset(Digits(True), indices[:1400]), batch_size=64, shuffle=True)
    val_loader = DataLoader(Subset(Digits(False), indices[1400:]), batch_size=200)
    net = nn.Sequential(nn.Linear(64, 48), *[Residual(48) for _ in range(20)], nn.Linear(48, 10))  # FAULT
    # TWIN: net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, 10))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
    trainer = Trainer(net, optimizer, scheduler, nn.CrossEntropyLoss())
    history = trainer.fit(train_loader, val_loader, epochs=12)
    print(f"score: {history[-1]['val_acc']:.4f}")
