"""Short sine, square and sawtooth waves told apart by a network with a sigmoid of adjustable slope.

The slope is 200, so the sigmoid is a step: its outputs are 0 or 1 and its derivative is 0 nearly everywhere.
"""
# cause: saturated-units
# kind: dynamic

import math
import sys

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

SLOPE = 200.0  # FAULT
# TWIN: SLOPE = 1.0
T = 32


def waves(n):
    kind = torch.randint(3, (n,))
    phase = torch.rand(n, 1)
    freq = 1 + torch.rand(n, 1)
    t = torch.arange(T) / T * freq + phase
    sine = torch.sin(2 * math.pi * t)
    square = torch.sign(sine)
    saw = 2 * (t - torch.floor(t)) - 1
    x = torch.stack([sine, square, saw], 1)[torch.arange(n), kind]
    return x + 0.15 * torch.randn(n, T), kind


class WaveNet(torch.nn.Module):
    def __init__(self, hidden=12):
        super().__init__()
        self.fc1 = torch.nn.Linear(T, hidden)
        self.out = torch.nn.Linear(hidden, 3)

    def forward(self, x):
        h = torch.sigmoid(SLOPE * self.fc1(x))
        return self.out(h)


x_train, y_train = waves(3000)
x_test, y_test = waves(800)
net = WaveNet()
optimizer = torch.optim.RMSprop(net.parameters(), lr=0.01)
for epoch in range(30):
    order = torch.randperm(len(x_train))
    hits = 0
    for start in range(0, len(order), 100):
        idx = order[start : start + 100]
        logits = net(x_train[idx])
        loss = F.cross_entropy(logits, y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        hits += (logits.argmax(1) == y_train[idx]).sum().item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1} loss {loss.item():.4f} train accuracy {hits / len(order):.3f}")

with torch.no_grad():
    test_accuracy = (net(x_test).argmax(1) == y_test).float().mean().item()
print(f"score: {test_accuracy:.4f}")
