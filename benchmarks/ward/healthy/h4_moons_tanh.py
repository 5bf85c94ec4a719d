"""Two moons with a tanh network and a single sigmoid output trained with BCELoss."""

import sys

import torch
from sklearn.datasets import make_moons
from torch import nn, optim

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = make_moons(n_samples=800, noise=0.15, random_state=seed)
X = torch.tensor(X, dtype=torch.float32)
X = (X - X[:600].mean(0)) / X[:600].std(0)
y = torch.tensor(y, dtype=torch.float32).view(-1, 1)
X_train, y_train, X_test, y_test = X[:600], y[:600], X[600:], y[600:]

model = nn.Sequential(nn.Linear(2, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1), nn.Sigmoid())
bce = nn.BCELoss()
optimizer = optim.Adam(model.parameters(), lr=0.01)

for epoch in range(300):
    y_hat = model(X_train)
    loss = bce(y_hat, y_train)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if (epoch + 1) % 50 == 0:
        train_acc = ((y_hat > 0.5) == (y_train > 0.5)).float().mean()
        print(f"Epoch [{epoch + 1}/300], Loss: {loss.item():.4f}, Train accuracy: {train_acc.item():.3f}")

model.eval()
with torch.no_grad():
    accuracy = (model(X_test).round() == y_test).float().mean().item()
print(f"score: {accuracy:.4f}")
