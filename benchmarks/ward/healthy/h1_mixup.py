"""Mixup on the digits (Zhang et al. 2018): inputs of a batch are blended with a permuted copy of it, and the loss is
the same blend of two cross-entropies. The training accuracy that is printed is against the blended labels.
"""

import argparse

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


def mixup_data(x, y, alpha, rng):
    lam = float(rng.beta(alpha, alpha))
    index = torch.randperm(x.size(0))
    return lam * x + (1 - lam) * x[index], y, y[index], lam


def mixup_criterion(criterion, pred, y_a, y_b, lam):
    return lam * criterion(pred, y_a) + (1 - lam) * criterion(pred, y_b)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--alpha", type=float, default=0.4)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    x, y = load_digits(return_X_y=True)
    order = rng.permutation(len(x))
    x, y = torch.tensor(x[order] / 16, dtype=torch.float32), torch.tensor(y[order])
    train_loader = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=50, shuffle=True)
    test_loader = DataLoader(TensorDataset(x[1400:], y[1400:]), batch_size=100)

    net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)

    for epoch in range(18):
        net.train()
        train_loss, correct = 0.0, 0.0
        for inputs, targets in train_loader:
            mixed, targets_a, targets_b, lam = mixup_data(inputs, targets, args.alpha, rng)
            outputs = net(mixed)
            loss = mixup_criterion(criterion, outputs, targets_a, targets_b, lam)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            train_loss += loss.item() / len(train_loader)
            predicted = outputs.argmax(1)
            correct += lam * predicted.eq(targets_a).sum().item() + (1 - lam) * predicted.eq(targets_b).sum().item()
        net.eval()
        hits = 0
        with torch.no_grad():
            for inputs, targets in test_loader:
                hits += net(inputs).argmax(1).eq(targets).sum().item()
        acc = hits / len(test_loader.dataset)
        print(f"Epoch {epoch}: loss {train_loss:.3f} | mixed acc {correct / 1400:.3f} | test acc {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
