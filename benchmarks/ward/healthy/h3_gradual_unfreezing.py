"""Fine-tuning as in ULMFiT: a CNN pre-trained to tell the digits 0-4 gets a new head for 5-9; first the head alone is
trained, then the layers are unfrozen from the top down, lower ones with smaller learning rates.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

data = load_digits()
X = torch.tensor(data.images, dtype=torch.float32).unsqueeze(1) / 16
Y = torch.tensor(data.target)
shuffled = torch.randperm(len(Y))
X, Y = X[shuffled], Y[shuffled]
source, target = Y < 5, Y >= 5
X_source, Y_source = X[source], Y[source]
X_train, Y_train = X[target][:400], Y[target][:400] - 5
X_test, Y_test = X[target][400:], Y[target][400:] - 5


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.low = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU())
        self.high = nn.Sequential(nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(24 * 16, 5)

    def forward(self, x):
        return self.head(self.high(self.low(x)))


def train_epoch(net, optimizer, x, y):
    total = 0.0
    for idx in torch.randperm(len(x)).split(32):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    return total / len(x)


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(6):
    print(f"source epoch {epoch + 1}: {train_epoch(net, optimizer, X_source, Y_source):.4f}")

net.head = nn.Linear(24 * 16, 5)
for part in (net.low, net.high):
    part.requires_grad_(False)
optimizer = torch.optim.Adam(net.head.parameters(), lr=3e-3)
for epoch in range(20):
    if epoch == 6:
        net.high.requires_grad_(True)
        optimizer.add_param_group({"params": net.high.parameters(), "lr": 1e-3})
    if epoch == 12:
        net.low.requires_grad_(True)
        optimizer.add_param_group({"params": net.low.parameters(), "lr": 3e-4})
    loss = train_epoch(net, optimizer, X_train, Y_train)
    with torch.no_grad():
        acc = (net(X_test).argmax(1) == Y_test).float().mean().item()
    print(f"target epoch {epoch + 1} ({len(optimizer.param_groups)} groups): loss {loss:.4f} accuracy {acc:.4f}")
print(f"score: {acc:.4f}")
