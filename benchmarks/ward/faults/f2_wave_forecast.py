"""One-step-ahead forecast of a noisy, slightly chirped wave with a GRU.

Fault: the prediction goes through a sigmoid, which cannot reach the series' values (mean 0, from about -2 to 2).
"""
# cause: output-range
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)
rng = np.random.default_rng(seed)

t = np.arange(1000)
series = np.sin(0.2 * t + 0.3 * np.sin(0.011 * t)) + 0.6 * np.sin(0.47 * t + seed) + 0.05 * rng.standard_normal(1000)
series = (series - series[:700].mean()) / series[:700].std()

window = 16
inputs = np.stack([series[i : i + window] for i in range(len(series) - window)])
targets = series[window:]
inputs = torch.tensor(inputs, dtype=torch.float32).unsqueeze(-1)
targets = torch.tensor(targets, dtype=torch.float32).unsqueeze(-1)
train_in, train_out = inputs[:680], targets[:680]
test_in, test_out = inputs[700:], targets[700:]


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.rnn = nn.GRU(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        _, h = self.rnn(x)
        return torch.sigmoid(self.out(h[-1]))  # FAULT
        # TWIN: return self.out(h[-1])


model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
mse = nn.MSELoss()
for epoch in range(20):
    for idx in torch.randperm(len(train_in)).split(40):
        optimizer.zero_grad()
        loss = mse(model(train_in[idx]), train_out[idx])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    if epoch % 4 == 3:
        with torch.no_grad():
            print(f"epoch {epoch + 1}: train {loss.item():.4f}, test {mse(model(test_in), test_out).item():.4f}")

with torch.no_grad():
    error = mse(model(test_in), test_out)
print(f"score: {(1 - error / test_out.var()).item():.4f}")
