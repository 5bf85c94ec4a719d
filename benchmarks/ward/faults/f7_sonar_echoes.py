"""Mine or rock from 60-band sonar echoes, with a 1-D convolution. The rate is the one that worked for plain SGD; the
optimizer has since become Adam."""
# cause: learning-rate-too-high
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)


def echoes(n):
    """Rocks spread their energy, mines return two resonances a fixed distance apart."""
    mine = rng.integers(0, 2, n)
    bands = np.arange(60)
    out = rng.normal(0, 0.35, (n, 60))
    for i in range(n):
        first = rng.uniform(8, 38)
        gap = 13 if mine[i] else rng.choice([7, 19])
        for centre in (first, first + gap):
            out[i] += rng.uniform(0.9, 1.6) * np.exp(-((bands - centre) ** 2) / 6)
    out = (out - out.mean()) / out.std()
    return torch.tensor(out, dtype=torch.float32).unsqueeze(1), torch.tensor(mine)


class EchoNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 16, 7, padding=3)
        self.conv2 = nn.Conv1d(16, 32, 7, padding=3)
        self.conv3 = nn.Conv1d(32, 32, 7, padding=3)
        self.pool = nn.MaxPool1d(2)
        self.fc = nn.Linear(32 * 15, 2)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = torch.relu(self.conv3(x))
        return self.fc(x.flatten(1))


train_data = TensorDataset(*echoes(1600))
test_x, test_y = echoes(400)
loader = DataLoader(train_data, batch_size=32, shuffle=True)
net = EchoNet()
loss_function = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.1)  # FAULT
# TWIN: optimizer = torch.optim.Adam(net.parameters(), lr=0.001)

for epoch in range(10):
    net.train()
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = loss_function(net(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        accuracy = (net(test_x).argmax(1) == test_y).float().mean().item()
    print(f"epoch {epoch + 1} loss {total / len(loader):.4f} test accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
