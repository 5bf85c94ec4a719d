"""Monte Carlo dropout: the network is left in train mode on purpose at prediction time and 30 passes are averaged."""

import sys

import torch
from sklearn.datasets import make_regression
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = make_regression(n_samples=1400, n_features=8, n_informative=6, noise=8.0, random_state=seed)
X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor(y, dtype=torch.float32).unsqueeze(1)
X = (X - X[:1000].mean(0)) / X[:1000].std(0)
y = (y - y[:1000].mean()) / y[:1000].std()

model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1))
model.append(nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
criterion = nn.MSELoss()

for epoch in range(20):
    model.train()
    for idx in torch.randperm(1000).split(40):
        optimizer.zero_grad()
        loss = criterion(model(X[idx]), y[idx])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val = criterion(model(X[1000:1200]), y[1000:1200]).item()
    print(f"epoch {epoch + 1}: val mse {val:.4f}")

model.train()
with torch.no_grad():
    samples = torch.stack([model(X[1200:]) for _ in range(30)])
mean, std = samples.mean(0), samples.std(0)
error = (mean - y[1200:]).abs()
print(f"mean predicted std {std.mean().item():.4f}, mean error {error.mean().item():.4f}")
print(f"score: {1 - error.pow(2).mean().item() / y[1200:].var().item():.4f}")
