"""Even or odd? Binary classification of digits with one logit, Nesterov momentum and a hand-rolled batch iterator."""

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)


def batches(x, y, size, rng):
    order = rng.permutation(len(x))
    for start in range(0, len(order), size):
        pick = torch.from_numpy(order[start : start + size])
        yield x[pick], y[pick]


def accuracy(logits, target):
    return ((torch.sigmoid(logits) > 0.5).float() == target).float().mean().item()


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = np.random.default_rng(seed)
torch.manual_seed(seed)

data, target = load_digits(return_X_y=True)
shuffle = rng.permutation(len(data))
x = torch.tensor(data[shuffle] / 16.0 - 0.3, dtype=torch.float32)
y = torch.tensor(target[shuffle] % 2, dtype=torch.float32)
x_train, y_train, x_held, y_held = x[:1350], y[:1350], x[1350:], y[1350:]

model = nn.Sequential()
model.add_module("fc1", nn.Linear(64, 50))
model.add_module("relu1", nn.ReLU())
model.add_module("fc2", nn.Linear(50, 1))
model.add_module("flat", nn.Flatten(0))

criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=2e-3)

for epoch in range(1, 21):
    losses, accs = [], []
    for xb, yb in batches(x_train, y_train, 45, rng):
        logits = model(xb)
        loss = criterion(logits, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        accs.append(accuracy(logits.detach(), yb))
    if epoch % 4 == 0:
        print(f"epoch {epoch}: loss {np.mean(losses):.4f}, accuracy {np.mean(accs):.4f}")

with torch.no_grad():
    print(f"score: {accuracy(model(x_held), y_held):.4f}")
