"""Two students teach each other: a CNN and an MLP-Mixer-like net learn the digits together, each with cross entropy and the
KL divergence towards the other's current prediction, each with an optimizer of its own.

After https://github.com/chxy95/Deep-Mutual-Learning (Zhang et al. 2018).
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1, bias=False),
            nn.BatchNorm2d(12),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1, bias=False),
            nn.BatchNorm2d(24),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(24 * 16, 10),
        )

    def forward(self, x):
        return self.net(x)


class Mixer(nn.Module):
    """Patches of 2 x 2, mixed over the positions and over the channels."""

    def __init__(self, dim=32, tokens=16, depth=2):
        super().__init__()
        self.embed = nn.Conv2d(1, dim, 2, stride=2)
        self.token = nn.ModuleList(
            nn.Sequential(nn.Linear(tokens, 32), nn.GELU(), nn.Linear(32, tokens)) for _ in range(depth)
        )
        self.channel = nn.ModuleList(
            nn.Sequential(nn.Linear(dim, 64), nn.GELU(), nn.Linear(64, dim)) for _ in range(depth)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2 * depth + 1))
        self.head = nn.Linear(dim, 10)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)
        for i, (token, channel) in enumerate(zip(self.token, self.channel)):
            x = x + token(self.norms[2 * i](x).transpose(1, 2)).transpose(1, 2)
            x = x + channel(self.norms[2 * i + 1](x))
        return self.head(self.norms[-1](x).mean(1))


class Trainer:
    def __init__(self, models, loader, val_loader, epochs, lr=3e-3):
        self.models, self.loader, self.val_loader, self.epochs = models, loader, val_loader, epochs
        self.loss_ce, self.loss_kl = nn.CrossEntropyLoss(), nn.KLDivLoss(reduction="batchmean")
        self.optimizers = [torch.optim.AdamW(m.parameters(), lr=lr, weight_decay=1e-2) for m in models]
        self.schedulers = [torch.optim.lr_scheduler.CosineAnnealingLR(o, epochs) for o in self.optimizers]

    def train(self):
        for epoch in range(self.epochs):
            losses = self.train_one_epoch()
            for scheduler in self.schedulers:
                scheduler.step()
            if (epoch + 1) % 2 == 0:
                text = ", ".join(
                    f"model {i + 1}: loss {l:.4f}, acc {a:.4f}" for i, (l, a) in enumerate(zip(losses, self.validate()))
                )
                print(f"Epoch {epoch + 1}/{self.epochs} - {text}")

    def train_one_epoch(self):
        totals = [0.0] * len(self.models)
        for model in self.models:
            model.train()
        for images, labels in self.loader:
            outputs = [model(images) for model in self.models]
            for i, optimizer in enumerate(self.optimizers):
                ce_loss = self.loss_ce(outputs[i], labels)
                kl_loss = sum(
                    self.loss_kl(F.log_softmax(outputs[i], 1), F.softmax(outputs[j].detach(), 1))
                    for j in range(len(self.models))
                    if j != i
                )
                loss = ce_loss + kl_loss / (len(self.models) - 1)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                totals[i] += loss.item() * len(labels)
        return [t / len(self.loader.dataset) for t in totals]

    @torch.no_grad()
    def validate(self):
        accuracies = []
        for model in self.models:
            model.eval()
            hits = sum((model(x).argmax(1) == y).sum().item() for x, y in self.val_loader)
            accuracies.append(hits / len(self.val_loader.dataset))
        return accuracies


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    images, labels = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        images / 16, labels, test_size=0.3, stratify=labels, random_state=seed
    )
    mean, std = x_train.mean(), x_train.std()

    def dataset(x, y):
        return TensorDataset(torch.tensor((x - mean) / std, dtype=torch.float32).view(-1, 1, 8, 8), torch.tensor(y))

    loader = DataLoader(dataset(x_train, y_train), batch_size=64, shuffle=True)
    val_loader = DataLoader(dataset(x_test, y_test), batch_size=270)
    trainer = Trainer([SmallCNN(), Mixer()], loader, val_loader, epochs=10)
    trainer.train()
    first, second = trainer.validate()
    print(f"cnn {first:.4f}, mixer {second:.4f}")
    print(f"score: {(first + second) / 2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
