"""Ten-class digits with labels from a crowd-sourcing step, wide MLP, many epochs, clean test labels.

Fault: 40 % of the training labels are replaced by random classes (DeepCrime TCL 40 %).
"""
# cause: noisy-labels
# accept: overfitting
# kind: dynamic

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("seed", nargs="?", type=int, default=0)
parser.add_argument("--epochs", type=int, default=60)
parser.add_argument("--lr", type=float, default=1e-3)
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(args.seed)
rng = np.random.default_rng(args.seed)

data, target = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(data / 16.0, target, test_size=500, random_state=args.seed)
picked = rng.random(len(y_train)) < 0.4
guesses = (y_train + rng.integers(1, 10, len(y_train))) % 10
y_train = np.where(picked, guesses, y_train)  # FAULT

X_train = torch.tensor(X_train, dtype=torch.float32)
X_test = torch.tensor(X_test, dtype=torch.float32)
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)


class WideNet(nn.Module):
    def __init__(self, width=160):
        super().__init__()
        self.fc1 = nn.Linear(64, width)
        self.fc2 = nn.Linear(width, width)
        self.out = nn.Linear(width, 10)

    def forward(self, x):
        return self.out(F.relu(self.fc2(F.relu(self.fc1(x)))))


model = WideNet()
optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
for epoch in range(args.epochs):
    model.train()
    losses, hits = [], 0
    for idx in torch.randperm(len(X_train)).split(64):
        logits = model(X_train[idx])
        loss = F.cross_entropy(logits, y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        hits += (logits.argmax(1) == y_train[idx]).sum().item()
    if (epoch + 1) % 10 == 0:
        model.eval()
        with torch.no_grad():
            test_logits = model(X_test)
            test_loss = F.cross_entropy(test_logits, y_test).item()
            test_acc = (test_logits.argmax(1) == y_test).float().mean().item()
        print(
            f"epoch {epoch + 1}: train loss {np.mean(losses):.4f} acc {hits / len(X_train):.3f}"
            f" | test loss {test_loss:.4f} acc {test_acc:.3f}"
        )
print(f"score: {test_acc:.4f}")
