"""Digits with a three-layer ReLU classifier whose author starts the hidden biases at -3 "for sparsity"."""
# cause: dead-units
# accept: bad-initialization
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

X, t = load_digits(return_X_y=True)
X = torch.as_tensor(X, dtype=torch.float32) / 16
t = torch.as_tensor(t)
perm = torch.randperm(len(X))
X, t = X[perm], t[perm]
X_train, t_train, X_val, t_val = X[:1400], t[:1400], X[1400:], t[1400:]


class MLP(nn.Module):
    def __init__(self, sizes=(64, 64, 64, 10)):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:]))
        for layer in self.layers[:-1]:
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.constant_(layer.bias, -3.0)  # FAULT
            # TWIN: nn.init.constant_(layer.bias, 0.0)

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


model = MLP()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(1, 16):
    order = torch.randperm(len(X_train))
    losses = []
    for idx in order.split(28):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(X_train[idx]), t_train[idx])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        logits = model(X_val)
        val_loss = F.cross_entropy(logits, t_val).item()
        val_acc = (logits.argmax(1) == t_val).float().mean().item()
    print(f"epoch {epoch:2d} loss {sum(losses) / len(losses):.4f} val_loss {val_loss:.4f} val_acc {val_acc:.4f}")

print(f"score: {val_acc:.4f}")
