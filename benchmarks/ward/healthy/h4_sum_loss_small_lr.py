"""Sums the squared errors over the batch (reduction="sum") with a learning rate chosen for the sum."""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

x = torch.empty(1500, 3).uniform_(-1, 1)
y = (x[:, 0] * x[:, 1] + torch.relu(x[:, 2]) + 0.03 * torch.randn(1500)).unsqueeze(1)
y = (y - y[:1200].mean()) / y[:1200].std()
train = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=50, shuffle=True)

model = nn.Sequential(nn.Linear(3, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
sse = nn.MSELoss(reduction="sum")
optimizer = torch.optim.SGD(model.parameters(), lr=6e-4, momentum=0.9)

for epoch in range(30):
    epoch_sse = 0.0
    for xb, yb in train:
        loss = sse(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_sse += loss.item()
    if epoch % 5 == 4:
        with torch.no_grad():
            test_sse = sse(model(x[1200:]), y[1200:]).item()
        print(f"epoch {epoch + 1}: train SSE {epoch_sse:.2f}, test SSE {test_sse:.2f}")

total = ((y[1200:] - y[1200:].mean()) ** 2).sum().item()
print(f"score: {1 - test_sse / total:.4f}")
