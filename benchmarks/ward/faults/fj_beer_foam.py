"""Height of the foam on a poured beer, from the tap's sensors. The line pressure (in pascal) joined the table last."""
# cause: feature-scale
# accept: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

N = 4000
celsius = rng.normal(6, 2, N)
glass_tilt = rng.uniform(0, 60, N)
seconds = rng.gamma(20, 0.4, N)
gas_share = rng.normal(0.55, 0.1, N)
pascal = rng.normal(8.0e4, 1.5e4, N)


def standard(column):
    return (column - column.mean()) / column.std()


columns = [standard(celsius), standard(glass_tilt), standard(seconds), standard(gas_share)]
columns.append(pascal)  # FAULT
# TWIN: columns.append(standard(pascal))
table = np.stack(columns, axis=1)

warm, tilt, slow, gas, push = (standard(c) for c in (celsius, glass_tilt, seconds, gas_share, pascal))
foam = np.tanh(warm + gas) + 0.6 * push * gas - 0.7 * np.abs(tilt) + 0.4 * np.sin(2 * slow) + 0.4 * push
foam = standard(foam + 0.08 * rng.normal(size=N))

X = torch.tensor(table, dtype=torch.float32)
y = torch.tensor(foam, dtype=torch.float32).unsqueeze(1)
X_train, X_test, y_train, y_test = X[:3200], X[3200:], y[:3200], y[3200:]

model = nn.Sequential(nn.Linear(5, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30)

for epoch in range(30):
    model.train()
    shuffled = torch.randperm(len(X_train))
    losses = []
    for i in range(0, len(shuffled), 64):
        rows = shuffled[i : i + 64]
        loss = F.mse_loss(model(X_train[rows]), y_train[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    if (epoch + 1) % 5 == 0:
        model.eval()
        with torch.no_grad():
            test_loss = F.mse_loss(model(X_test), y_test).item()
        print(f"epoch {epoch + 1}: train {np.mean(losses):.4f} test {test_loss:.4f}")

print(f"score: {1 - test_loss / y_test.var().item():.4f}")
