"""Pool-based active learning on the 8x8 digits: start with a few labels, let the model ask for
the ones it is least sure about, retrain from scratch after every purchase of labels.
"""
# cause: stale-optimizer
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

ROUNDS = 6
FIRST, QUERY = 60, 60
STEPS = 150


class Net(nn.Module):
    def __init__(self, hidden=96):
        super().__init__()
        self.fc1 = nn.Linear(64, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.out(x)


def fit(model, optimizer, x, y, gen):
    """Train on everything labelled so far; returns the mean loss of the last 20 steps."""
    model.train()
    history = []
    for _ in range(STEPS):
        rows = torch.randint(0, len(x), (32,), generator=gen)
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    return float(np.mean(history[-20:]))


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    return (model(x).argmax(1) == y).float().mean().item()


@torch.no_grad()
def margins(model, x):
    model.eval()
    top = F.softmax(model(x), dim=1).topk(2, dim=1).values
    return top[:, 0] - top[:, 1]


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    gen = torch.Generator().manual_seed(seed)

    digits = load_digits()
    x_pool, x_test, y_pool, y_test = train_test_split(
        digits.data / 16.0, digits.target, test_size=0.3, random_state=seed, stratify=digits.target
    )
    x_pool = torch.tensor(x_pool, dtype=torch.float32)
    x_test = torch.tensor(x_test, dtype=torch.float32)
    y_pool, y_test = torch.tensor(y_pool), torch.tensor(y_test)

    labelled = torch.zeros(len(x_pool), dtype=torch.bool)
    labelled[torch.randperm(len(x_pool), generator=gen)[:FIRST]] = True

    model = Net()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)

    for r in range(ROUNDS):
        if r > 0:
            # warm starts are known to hurt in active learning, so begin again
            model = Net()  # FAULT
            # TWIN: model = Net()
            # TWIN: optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
        loss = fit(model, optimizer, x_pool[labelled], y_pool[labelled], gen)
        acc = accuracy(model, x_test, y_test)
        print(f"round {r}: {int(labelled.sum()):4d} labels  train loss {loss:.3f}  test acc {acc:.3f}")

        if r < ROUNDS - 1:
            unsure = margins(model, x_pool)
            unsure[labelled] = float("inf")
            labelled[unsure.topk(QUERY, largest=False).indices] = True

    print(f"score: {accuracy(model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
