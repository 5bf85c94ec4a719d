"""Two rings, an eight-layer fully connected classifier with sigmoid between the layers, plain SGD.

The demo case of AutoTrainer (Gradient_Vanish_Case): the first layers receive next to no gradient.
"""
# cause: vanishing-gradient
# kind: dynamic

import sys

import torch
from sklearn.datasets import make_circles
from sklearn.model_selection import train_test_split
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = make_circles(n_samples=1000, noise=0.1, factor=0.4, random_state=seed)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=seed)
X_train, X_test = torch.tensor(X_train).float(), torch.tensor(X_test).float()
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

layers = []
width = 2
for _ in range(8):
    layers.append(nn.Linear(width, 32))
    layers.append(nn.Sigmoid())  # FAULT
    # TWIN: layers.append(nn.ReLU())
    width = 32
layers.append(nn.Linear(width, 2))
model = nn.Sequential(*layers)
for m in model:
    if isinstance(m, nn.Linear):
        nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
        nn.init.zeros_(m.bias)

criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

for epoch in range(30):
    perm = torch.randperm(len(X_train))
    total = 0.0
    for i in range(0, len(perm), 32):
        idx = perm[i : i + 32]
        optimizer.zero_grad()
        loss = criterion(model(X_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1:3d}  loss {total / len(perm):.4f}")

with torch.no_grad():
    accuracy = (model(X_test).argmax(1) == y_test).float().mean().item()
print(f"score: {accuracy:.4f}")
