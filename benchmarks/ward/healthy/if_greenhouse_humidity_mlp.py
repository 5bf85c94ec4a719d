# Quick script: humidity of a greenhouse from vents, heating, sun and outside air.
import sys

import torch
import torch.nn as nn
import torch.optim as optim

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

# synthetic measurements, already between -1 and 1
N = 2400
X = torch.rand(N, 5) * 2 - 1
vent, heat, sun, outside, mist = X.T
y = 0.7 * outside * (1 + vent) - 0.5 * heat - 0.4 * sun**2 + 0.8 * torch.sigmoid(4 * mist) * (1 - vent)
y = y + 0.05 * torch.randn(N)
y = ((y - y[:2000].mean()) / y[:2000].std()).unsqueeze(1)
X_train, y_train, X_test, y_test = X[:2000], y[:2000], X[2000:], y[2000:]

model = nn.Sequential(
    nn.Linear(5, 32),
    nn.Tanh(),
    nn.Linear(32, 32),
    nn.Tanh(),
    nn.Linear(32, 1),
)
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=5e-3)
scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40)

batch_size = 50
for epoch in range(40):
    permutation = torch.randperm(len(X_train))
    for i in range(0, len(X_train), batch_size):
        indices = permutation[i : i + batch_size]
        optimizer.zero_grad()
        loss = criterion(model(X_train[indices]), y_train[indices])
        loss.backward()
        optimizer.step()
    scheduler.step()
    if (epoch + 1) % 8 == 0:
        with torch.no_grad():
            test_loss = criterion(model(X_test), y_test)
        print(f"Epoch [{epoch + 1}/40], Loss: {loss.item():.4f}, Test: {test_loss.item():.4f}")

with torch.no_grad():
    r2 = 1 - criterion(model(X_test), y_test) / y_test.var()
print(f"score: {r2.item():.4f}")
