"""The XOR of two noisy inputs with a hidden layer of eight tanh units and binary cross-entropy."""

import sys

import torch
import torch.nn as nn
import torch.optim as optim

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

corners = torch.randint(0, 2, (800, 2))
inputs = (2.0 * corners - 1.0) + 0.25 * torch.randn(800, 2)
targets = (corners[:, 0] ^ corners[:, 1]).float().unsqueeze(1)
train_inputs, test_inputs = inputs[:600], inputs[600:]
train_targets, test_targets = targets[:600], targets[600:]


class XorNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(2, 8)
        self.output = nn.Linear(8, 1)

    def forward(self, x):
        x = torch.tanh(self.hidden(x))
        return torch.sigmoid(self.output(x))


net = XorNet()
criterion = nn.BCELoss()
optimizer = optim.Adam(net.parameters(), lr=0.02)

for epoch in range(40):
    permutation = torch.randperm(600)
    epoch_loss = 0.0
    for start in range(0, 600, 30):
        batch = permutation[start : start + 30]
        optimizer.zero_grad()
        outputs = net(train_inputs[batch])
        loss = criterion(outputs, train_targets[batch])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    if epoch % 10 == 0 or epoch == 39:
        print(f"Epoch: {epoch} Loss: {epoch_loss / 20:.4f}")

with torch.no_grad():
    predictions = (net(test_inputs) > 0.5).float()
    print(f"score: {(predictions == test_targets).float().mean().item():.4f}")
