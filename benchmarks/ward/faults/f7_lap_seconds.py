"""Finishing time of a long race, in seconds, from age, training and the first split. Inputs are standardised, the time
to predict is left in seconds."""
# cause: unscaled-targets
# kind: dynamic

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def runners(n):
    age = 20 + 45 * torch.rand(n)
    km_per_week = 15 + 80 * torch.rand(n)
    first_split = 1500 + 260 * torch.randn(n)
    heat = 10 + 18 * torch.rand(n)
    slope = 1 + 0.004 * (age - 32) ** 2 / 10 - 0.0022 * (km_per_week - 55)
    fade = 1 + 0.006 * torch.relu(heat - 16)
    seconds = 7.6 * first_split * slope * fade + 180 * torch.randn(n)
    x = torch.stack([age, km_per_week, first_split, heat], dim=1)
    return (x - x.mean(0)) / x.std(0), seconds.unsqueeze(1)


x, y = runners(2500)
# TWIN: y = (y - y.mean()) / y.std()
train_set, test_set = random_split(TensorDataset(x, y), [2000, 500])
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
test_loader = DataLoader(test_set, batch_size=500)


class RaceNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Linear(4, 64)
        self.layer2 = nn.Linear(64, 32)
        self.layer3 = nn.Linear(32, 1)

    def forward(self, x):
        x = torch.relu(self.layer1(x))
        x = torch.relu(self.layer2(x))
        return self.layer3(x)


net = RaceNet()
optimizer = torch.optim.Adam(net.parameters(), lr=0.001)
criterion = nn.MSELoss()
for epoch in range(15):
    running_loss = 0.0
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    with torch.no_grad():
        for inputs, targets in test_loader:
            outputs = net(inputs)
            test_loss = criterion(outputs, targets).item()
            variance = targets.var().item()
    print(f"Epoch [{epoch + 1}/15], Loss: {running_loss / len(train_loader):.4f}, Test: {test_loss:.4f}")
print(f"score: {1 - test_loss / variance:.4f}")
