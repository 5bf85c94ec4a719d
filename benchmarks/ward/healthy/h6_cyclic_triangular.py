"""CyclicLR (triangular2, momentum cycled the other way) with SGD on Gaussian classes in 16 dimensions; BatchNorm MLP,
metrics kept in a history and printed as a table at the end.
"""

import sys
from collections import defaultdict

import torch
from sklearn.datasets import make_blobs
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def get_data(seed):
    x, y = make_blobs(n_samples=4500, n_features=16, centers=12, cluster_std=5.0, random_state=seed)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    mean, std = x[:3500].mean(0), x[:3500].std(0)
    x = (x - mean) / std
    train = DataLoader(TensorDataset(x[:3500], y[:3500]), batch_size=70, shuffle=True)
    test = DataLoader(TensorDataset(x[3500:], y[3500:]), batch_size=500)
    return train, test


def run_epoch(model, loader, criterion, optimizer=None, scheduler=None):
    training = optimizer is not None
    model.train(training)
    loss_sum, correct, n = 0.0, 0, 0
    with torch.set_grad_enabled(training):
        for x, y in loader:
            out = model(x)
            loss = criterion(out, y)
            if training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
            loss_sum += loss.item() * len(y)
            correct += out.argmax(1).eq(y).sum().item()
            n += len(y)
    return loss_sum / n, correct / n


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    train, test = get_data(seed)
    model = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 12))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.005, momentum=0.9, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.CyclicLR(
        optimizer, base_lr=0.005, max_lr=0.2, step_size_up=100, mode="triangular2", base_momentum=0.8, max_momentum=0.95
    )
    history = defaultdict(list)
    for _ in range(12):
        for name, value in zip(("loss", "acc"), run_epoch(model, train, criterion, optimizer, scheduler), strict=True):
            history[name].append(value)
        for name, value in zip(("val_loss", "val_acc"), run_epoch(model, test, criterion), strict=True):
            history[name].append(value)
    for name, values in history.items():
        print(f"{name:9s}" + " ".join(f"{v:.3f}" for v in values))
    print(f"score: {history['val_acc'][-1]:.4f}")


if __name__ == "__main__":
    main()
