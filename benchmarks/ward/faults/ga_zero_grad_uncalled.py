"""Mixup on a tabular problem with many noisy features: Beta-weighted pairs of rows and of losses, warm cosine schedule.

After Zhang et al. (2017), https://github.com/facebookresearch/mixup-cifar10
"""
# cause: missing-zero-grad
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def mixup_data(x, y, alpha, rng):
    lam = rng.beta(alpha, alpha)
    index = torch.randperm(x.size(0))
    return lam * x + (1 - lam) * x[index], y, y[index], lam


def mixup_criterion(criterion, pred, y_a, y_b, lam):
    return lam * criterion(pred, y_a) + (1 - lam) * criterion(pred, y_b)


class Net(nn.Module):
    def __init__(self, n_in, n_out, width=128):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(n_in, width),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.BatchNorm1d(width),
            nn.ReLU(),
        )
        self.head = nn.Linear(width, n_out)

    def forward(self, x):
        return self.head(self.body(x))


def train_epoch(net, loader, criterion, optimizer, scheduler, alpha, rng):
    net.train()
    loss_sum = correct = total = 0
    for x, y in loader:
        x, y_a, y_b, lam = mixup_data(x, y, alpha, rng)
        out = net(x)
        loss = mixup_criterion(criterion, out, y_a, y_b, lam)
        optimizer.zero_grad  # FAULT
        # TWIN: optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        pred = out.argmax(1)
        loss_sum += loss.item() * len(x)
        total += len(x)
        correct += lam * (pred == y_a).sum().item() + (1 - lam) * (pred == y_b).sum().item()
    return loss_sum / total, correct / total


@torch.no_grad()
def test(net, x, y, criterion):
    net.eval()
    out = net(x)
    return criterion(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    X, Y = make_classification(
        3200,
        n_features=24,
        n_informative=10,
        n_redundant=4,
        n_classes=5,
        n_clusters_per_class=2,
        class_sep=1.6,
        random_state=seed,
    )
    X_train, X_test, y_train, y_test = train_test_split(X, Y, test_size=1200, stratify=Y, random_state=seed)
    scaler = StandardScaler().fit(X_train)
    linear = LogisticRegression(max_iter=1000).fit(scaler.transform(X_train), y_train)
    print("logistic regression:", round(linear.score(scaler.transform(X_test), y_test), 4))
    tensor = lambda a: torch.tensor(scaler.transform(a), dtype=torch.float32)
    X_train, X_test = tensor(X_train), tensor(X_test)
    y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)
    loader = DataLoader(TensorDataset(X_train, y_train), batch_size=128, shuffle=True, drop_last=True)

    net = Net(X.shape[1], 5)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    epochs = 30
    warm = 2 * len(loader)
    scheduler = torch.optim.lr_scheduler.SequentialLR(
        optimizer,
        [
            torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, 1.0, total_iters=warm),
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(loader) - warm),
        ],
        milestones=[warm],
    )
    for epoch in range(1, epochs + 1):
        train_loss, train_acc = train_epoch(net, loader, criterion, optimizer, scheduler, 0.2, rng)
        if epoch % 5 == 0:
            print(f"epoch {epoch:2d} | mixed loss {train_loss:.3f} | mixed acc {train_acc:.3f}")
    test_loss, test_acc = test(net, X_test, y_test, criterion)
    print(f"test loss {test_loss:.4f}")
    print(f"score: {test_acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
