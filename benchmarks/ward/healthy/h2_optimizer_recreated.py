"""The learning rate is lowered by building a new optimizer at fixed epochs (an old habit, before schedulers)."""

import sys

import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.datasets import make_moons

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = make_moons(n_samples=1200, noise=0.2, random_state=seed)
X = torch.FloatTensor(X)
y = torch.FloatTensor(y).view(-1, 1)
X_train, y_train = X[:900], y[:900]
X_test, y_test = X[900:], y[900:]

model = nn.Sequential(
    nn.Linear(2, 32),
    nn.ReLU(),
    nn.Linear(32, 32),
    nn.ReLU(),
    nn.Linear(32, 1),
)
criterion = nn.BCEWithLogitsLoss()
learning_rate = 0.1
optimizer = optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)

for epoch in range(60):
    if epoch in (30, 45):
        learning_rate *= 0.1
        optimizer = optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)
        print(f"learning rate is now {learning_rate:.4f}")

    permutation = torch.randperm(X_train.size(0))
    for i in range(0, X_train.size(0), 60):
        indices = permutation[i : i + 60]
        optimizer.zero_grad()
        loss = criterion(model(X_train[indices]), y_train[indices])
        loss.backward()
        optimizer.step()

    if (epoch + 1) % 10 == 0:
        with torch.no_grad():
            logits = model(X_test)
            test_loss = criterion(logits, y_test)
            acc = ((logits > 0).float() == y_test).float().mean()
        print(f"Epoch [{epoch + 1}/60], Loss: {loss.item():.4f}, Test: {test_loss.item():.4f}, Acc: {acc.item():.4f}")

print(f"score: {acc.item():.4f}")
