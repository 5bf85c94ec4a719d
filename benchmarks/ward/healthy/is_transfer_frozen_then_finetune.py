"""Pretrains a network on the digits 0-5, then learns 6-9 from eighty pictures: a new head first, then everything.

After the transfer learning tutorial (https://pytorch.org/tutorials/beginner/transfer_learning_tutorial.html) and the
fine-tuning guide of Keras (https://keras.io/guides/transfer_learning/).
"""

import copy
import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


def make_backbone():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 48, 3, padding=1, bias=False),
        nn.BatchNorm2d(48),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
    )


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        return sum((model(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)


def train_model(model, train_loader, val_loader, optimizer, num_epochs, scheduler=None, frozen=None):
    """Trains, and gives back the model with the best weights by validation accuracy."""
    criterion = nn.CrossEntropyLoss()
    best_acc, best_weights = -1.0, None
    for epoch in range(num_epochs):
        model.train()
        if frozen is not None:
            frozen.eval()  # batch norm statistics of the frozen part stay as they are
        running_loss = 0.0
        for inputs, labels in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item() * len(inputs)
        if scheduler is not None:
            scheduler.step()
        acc = accuracy(model, val_loader)
        print(
            f"Epoch {epoch}/{num_epochs - 1}  train loss: {running_loss / len(train_loader.dataset):.4f}  "
            f"val acc: {acc:.4f}"
        )
        if acc > best_acc:
            best_acc, best_weights = acc, copy.deepcopy(model.state_dict())
    model.load_state_dict(best_weights)
    return model


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    digits = load_digits()
    x = torch.tensor(digits.images / 16.0, dtype=torch.float32).unsqueeze(1) * 2 - 1
    y = torch.tensor(digits.target)
    source, target = (y < 6).nonzero().flatten(), (y >= 6).nonzero().flatten()

    def loader(index, shift=0, batch_size=128, shuffle=False):
        return DataLoader(TensorDataset(x[index], y[index] - shift), batch_size=batch_size, shuffle=shuffle)

    src_train, src_val = train_test_split(source, test_size=0.2, stratify=y[source], random_state=seed)
    print("Pretraining on 0-5")
    backbone = make_backbone()
    source_model = nn.Sequential(backbone, nn.Linear(48 * 4, 6))
    optimizer = torch.optim.Adam(source_model.parameters(), lr=1e-3)
    train_model(source_model, loader(src_train, batch_size=64, shuffle=True), loader(src_val), optimizer, 8)

    tgt_train, rest = train_test_split(target, train_size=80, stratify=y[target], random_state=seed)
    tgt_val, tgt_test = train_test_split(rest, test_size=0.6, stratify=y[rest], random_state=seed)
    train_loader = loader(tgt_train, 6, batch_size=16, shuffle=True)
    val_loader, test_loader = loader(tgt_val, 6), loader(tgt_test, 6)

    print("Training the new head")
    head = nn.Linear(48 * 4, 4)
    model = nn.Sequential(backbone, head)
    for p in backbone.parameters():
        p.requires_grad = False
    optimizer = torch.optim.SGD(head.parameters(), lr=0.01, momentum=0.9)
    train_model(model, train_loader, val_loader, optimizer, 12, frozen=backbone)
    print(f"test accuracy of the frozen features: {accuracy(model, test_loader):.4f}")

    print("Fine-tuning everything")
    for p in backbone.parameters():
        p.requires_grad = True
    optimizer = torch.optim.SGD(
        [{"params": backbone.parameters(), "lr": 1e-3}, {"params": head.parameters(), "lr": 5e-3}],
        momentum=0.9,
        weight_decay=1e-4,
    )
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.3)
    train_model(model, train_loader, val_loader, optimizer, 15, scheduler, frozen=backbone)
    print(f"score: {accuracy(model, test_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
