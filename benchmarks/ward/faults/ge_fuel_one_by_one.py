"""Fuel use of cars; the held-out cars are asked about one by one and scored by scikit-learn. Score: held-out R2."""
# cause: unregistered-parameters
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import r2_score
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


def cars(n):
    x = torch.randn(n, 6)
    return x, (torch.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3] + 0.5 * x[:, 3:4] + 0.2 * torch.randn(n, 1)) / 1.3


class Net(nn.Module):  # FAULT
    def __init__(self, sizes=(6, 64, 64)):  # FAULT
        super().__init__()  # FAULT
        self.hidden = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])]  # FAULT
        self.out = nn.Linear(sizes[-1], 1)  # FAULT

    def forward(self, x):  # FAULT
        for layer in self.hidden:  # FAULT
            x = F.relu(layer(x))  # FAULT
        return self.out(x)  # FAULT


train, test = TensorDataset(*cars(1500)), TensorDataset(*cars(200))
net = Net()  # FAULT
# TWIN: net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(10):
    net.train()
    for x, y in DataLoader(train, batch_size=32, shuffle=True):
        loss = F.mse_loss(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    said, true = [], []
    with torch.no_grad():
        for x, y in DataLoader(test, batch_size=1):
            said.append(net(x).item())
            true.append(y.item())
    print(epoch, loss.item(), r2_score(true, said))
print(f"score: {r2_score(true, said):.4f}")
