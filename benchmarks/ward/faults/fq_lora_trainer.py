"""LoRA fine-tuning with a small trainer class: a frozen digit classifier, trained upright, is adapted to digits lying on
their side through low-rank updates of its layers.

After https://github.com/tenstorrent/tt-blacksmith/pull/711
"""
# cause: missing-zero-grad
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class LoRALinear(nn.Module):
    def __init__(self, base, rank=8, alpha=16):
        super().__init__()
        self.base = base
        for p in self.base.parameters():
            p.requires_grad = False
        self.lora_a = nn.Parameter(torch.randn(rank, base.in_features) / base.in_features**0.5)
        self.lora_b = nn.Parameter(torch.zeros(base.out_features, rank))
        self.scaling = alpha / rank

    def forward(self, x):
        return self.base(x) + self.scaling * (x @ self.lora_a.T @ self.lora_b.T)


class Trainer:
    def __init__(self, model, train_loader, eval_loader, lr, epochs):
        self.model = model
        self.train_loader = train_loader
        self.eval_loader = eval_loader
        self.epochs = epochs
        self.loss_fn = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr)

    def optimizer_step(self):
        self.optimizer.step()  # FAULT
        # TWIN: self.optimizer.step()
        # TWIN: self.optimizer.zero_grad()

    def train(self):
        for epoch in range(1, self.epochs + 1):
            self.model.train()
            running_loss = 0.0
            for inputs, labels in self.train_loader:
                loss = self.loss_fn(self.model(inputs), labels)
                loss.backward()
                self.optimizer_step()
                running_loss += loss.item()
            if epoch % 3 == 0:
                print(
                    f"epoch {epoch}: train/loss {running_loss / len(self.train_loader):.4f} "
                    f"eval/accuracy {self.evaluate():.4f}"
                )

    def evaluate(self):
        self.model.eval()
        correct, count = 0, 0
        with torch.no_grad():
            for inputs, labels in self.eval_loader:
                correct += (self.model(inputs).argmax(dim=1) == labels).sum().item()
                count += len(labels)
        return correct / count


def pretrain(model, x, y):
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for epoch in range(8):
        for idx in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
    print(f"base model: loss {loss.item():.4f}")


def main(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    torch.set_num_threads(1)

    digits = load_digits()
    images = digits.images.astype("float32") / 16 - 0.3
    x_train, x_test, y_train, y_test = train_test_split(images, digits.target, test_size=0.25, random_state=seed)
    y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

    def flat(a):
        return torch.tensor(a.reshape(len(a), -1).copy())

    base = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    pretrain(base, flat(x_train), y_train)

    model = nn.Sequential(*[LoRALinear(m) if isinstance(m, nn.Linear) else m for m in base])
    turned_train, turned_test = np.rot90(x_train, axes=(1, 2)), np.rot90(x_test, axes=(1, 2))
    train_loader = DataLoader(TensorDataset(flat(turned_train), y_train), batch_size=32, shuffle=True)
    eval_loader = DataLoader(TensorDataset(flat(turned_test), y_test), batch_size=128)

    trainer = Trainer(model, train_loader, eval_loader, lr=3e-3, epochs=12)
    print(f"before tuning: eval/accuracy {trainer.evaluate():.4f}")
    trainer.train()
    print(f"score: {trainer.evaluate():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
