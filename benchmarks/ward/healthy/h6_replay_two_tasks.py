"""Continual learning: digits 0-4 first, then 5-9, with a reservoir of 150 remembered images mixed into every batch of
the second task so that the first is not forgotten. Score: accuracy over all ten classes at the end.
"""

import random
import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

torch.set_num_threads(1)


class Reservoir:
    def __init__(self, size):
        self.size, self.seen, self.items = size, 0, []

    def offer(self, item):
        self.seen += 1
        if len(self.items) < self.size:
            self.items.append(item)
        else:
            k = random.randrange(self.seen)
            if k < self.size:
                self.items[k] = item

    def draw(self, k):
        xs, ys = zip(*random.sample(self.items, k), strict=True)
        return torch.stack(xs), torch.stack(ys)


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        result = (model(x).argmax(dim=1) == y).float().mean().item()
    model.train()
    return result


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    X, y = load_digits(return_X_y=True)
    X_tr, X_te, y_tr, y_te = train_test_split(X / 16.0 - 0.3, y, test_size=0.25, stratify=y, random_state=seed)
    X_tr, X_te = torch.tensor(X_tr, dtype=torch.float32), torch.tensor(X_te, dtype=torch.float32)
    y_tr, y_te = torch.tensor(y_tr), torch.tensor(y_te)

    model = nn.Sequential(nn.Linear(64, 80), nn.ReLU(), nn.Dropout(0.2), nn.Linear(80, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    memory = Reservoir(150)
    for task, classes in enumerate((range(0, 5), range(5, 10))):
        rows = torch.tensor([i for i, label in enumerate(y_tr.tolist()) if label in classes])
        for epoch in range(8):
            losses = []
            for idx in rows[torch.randperm(len(rows))].split(32):
                xb, yb = X_tr[idx], y_tr[idx]
                if task > 0:
                    x_old, y_old = memory.draw(32)
                    xb, yb = torch.cat([xb, x_old]), torch.cat([yb, y_old])
                optimizer.zero_grad()
                loss = criterion(model(xb), yb)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            if epoch % 2 == 1:
                old, new = y_te < 5, y_te >= 5
                print(
                    f"task {task + 1} epoch {epoch + 1}: loss {np.mean(losses):.4f} "
                    f"test 0-4 {accuracy(model, X_te[old], y_te[old]):.3f} "
                    f"5-9 {accuracy(model, X_te[new], y_te[new]):.3f}"
                )
        for i in rows[torch.randperm(len(rows))].tolist():
            memory.offer((X_tr[i], y_tr[i]))
    print(f"score: {accuracy(model, X_te, y_te):.4f}")


if __name__ == "__main__":
    main()
