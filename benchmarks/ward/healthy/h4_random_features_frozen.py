"""Random Fourier features (fixed buffers, never trained) and a linear layer on top: kernel regression in one layer."""

import math
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class RandomFourier(nn.Module):
    def __init__(self, n_in, n_features, width=1.0):
        super().__init__()
        self.register_buffer("omega", torch.randn(n_in, n_features) / width)
        self.register_buffer("phase", 2 * math.pi * torch.rand(n_features))
        self.linear = nn.Linear(n_features, 1)

    def forward(self, x):
        return self.linear(math.sqrt(2) * torch.cos(x @ self.omega + self.phase))


x = torch.randn(1600, 2)
y = torch.sin(1.5 * x[:, :1]) * torch.cos(x[:, 1:]) + 0.05 * torch.randn(1600, 1)
y = y / y[:1200].std()
model = RandomFourier(2, 150)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
criterion = nn.MSELoss()

for epoch in range(25):
    for idx in torch.randperm(1200).split(40):
        loss = criterion(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            test = criterion(model(x[1200:]), y[1200:]).item()
        print(f"epoch {epoch + 1}: train {loss.item():.5f} test {test:.5f}")

print(f"score: {1 - test / y[1200:].var().item():.4f}")
