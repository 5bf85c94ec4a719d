"""One-step forecast of a synthetic daily series from its last 14 values with a GRU; Adam with weight_decay=1 (L2)."""
# cause: over-regularization
# kind: dynamic

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

days = 900
t = torch.arange(days, dtype=torch.float32)
series = torch.sin(2 * math.pi * t / 7) + 0.8 * torch.sin(2 * math.pi * t / 30 + seed) + 0.2 * torch.randn(days)
series = (series - series[:700].mean()) / series[:700].std()

window = 14
inputs = series.unfold(0, window, 1)[:-1].unsqueeze(-1)
targets = series[window:]
split = 700 - window
x_train, y_train, x_test, y_test = inputs[:split], targets[:split], inputs[split:], targets[split:]


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, x):
        output, _ = self.gru(x)
        return self.linear(output[:, -1]).squeeze(-1)


model = Forecaster()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.005, weight_decay=1.0)  # FAULT
# TWIN: optimizer = torch.optim.Adam(model.parameters(), lr=0.005, weight_decay=1e-5)

for epoch in range(15):
    for rows in torch.randperm(len(x_train)).split(32):
        optimizer.zero_grad()
        loss = criterion(model(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        train_mse = criterion(model(x_train), y_train).item()
        test_mse = criterion(model(x_test), y_test).item()
    print(f"Epoch {epoch + 1}: train MSE {train_mse:.4f}, test MSE {test_mse:.4f}")

print(f"score: {1 - test_mse / y_test.var(unbiased=False).item():.4f}")
