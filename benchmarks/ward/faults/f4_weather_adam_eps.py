"""Tomorrow's temperature from today's readings with Adam at eps=1 (copied from a large-image recipe)."""
# cause: optimizer-epsilon-too-large
# accept: learning-rate-too-low
# kind: dynamic

import sys

import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

x = torch.randn(1500, 6)
y = 1.2 * x[:, 0] + 0.6 * x[:, 1] * x[:, 2] - x[:, 3].abs() + 0.1 * torch.randn(1500)
y = (y - y[:1200].mean()) / y[:1200].std()

model = nn.Sequential(nn.Linear(6, 64), nn.ELU(), nn.Linear(64, 64), nn.ELU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1.0)  # FAULT
# TWIN: optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(25):
    total = 0.0
    for idx in torch.randperm(1200).split(40):
        loss = nn.functional.mse_loss(model(x[idx]).squeeze(1), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / 30
    print(f"epoch {epoch + 1:2d} mse {total:.4f}")

with torch.no_grad():
    error = nn.functional.mse_loss(model(x[1200:]).squeeze(1), y[1200:])
print(f"score: {1 - error.item() / y[1200:].var().item():.4f}")
