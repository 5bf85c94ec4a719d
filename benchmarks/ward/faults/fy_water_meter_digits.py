"""Reads the digits of water meters with a small batch-normalised network (scikit-learn's digits stand in for the photos)
and reports the hit rate digit by digit, because the operator wants to know which digits are confused.
"""
# cause: evaluation-in-train-mode
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def dense_bn(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out), nn.ReLU(inplace=True))


def build_reader():
    return nn.Sequential(dense_bn(64, 96), dense_bn(96, 64), nn.Linear(64, 10))


def train_one_epoch(model, x, y, optimizer, scheduler, batch_size=64):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(x)).split(batch_size):
        loss = F.cross_entropy(model(x[idx]), y[idx], label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item() * len(idx)
    return total / len(x)


@torch.no_grad()
def report(model, x, y):
    """Hit rate for each of the ten digits."""
    rates = []
    for digit in range(10):
        images = x[y == digit]
        pred = model(images).argmax(dim=1)  # FAULT
        # TWIN: pred = model.eval()(images).argmax(dim=1)
        rates.append((pred == digit).float().mean().item())
    return rates


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    images, labels = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels, test_size=0.3, stratify=labels, random_state=seed
    )
    mean, std = x_train.mean(), x_train.std()
    x_train, x_test = (torch.tensor((a - mean) / std, dtype=torch.float32) for a in (x_train, x_test))
    y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

    epochs = 8
    model = build_reader()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    steps = epochs * ((len(x_train) + 63) // 64)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=steps)
    for epoch in range(epochs):
        loss = train_one_epoch(model, x_train, y_train, optimizer, scheduler)
        rates = report(model, x_test, y_test)
        print(f"epoch {epoch}  loss {loss:.3f}  mean hit rate {sum(rates) / 10:.3f}  worst {min(rates):.3f}")

    rates = report(model, x_test, y_test)
    print("  ".join(f"{d}:{r:.2f}" for d, r in enumerate(rates)))
    print(f"score: {sum(rates) / 10:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
