"""Monte Carlo dropout: at test time dropout stays on and 50 stochastic passes are averaged (Gal and Ghahramani)."""

import sys

import torch
from sklearn.datasets import make_regression
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


class DropoutNet(nn.Module):
    def __init__(self, in_features, hidden=64, p=0.1):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(in_features, hidden),
            nn.ReLU(),
            nn.Dropout(p),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(p),
            nn.Linear(hidden, 1),
        )

    def forward(self, x):
        return self.layers(x)


def predict_with_uncertainty(model, x, n_samples=50):
    model.train()  # keeps dropout on
    with torch.no_grad():
        samples = torch.stack([model(x) for _ in range(n_samples)])
    return samples.mean(0), samples.std(0)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
X, y = make_regression(n_samples=1000, n_features=8, n_informative=6, noise=5.0, random_state=seed)
X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor(y, dtype=torch.float32).unsqueeze(1)
y = (y - y[:800].mean()) / y[:800].std()
y = y + 0.3 * torch.sin(2 * X[:, :1])
loader = DataLoader(TensorDataset(X[:800], y[:800]), batch_size=40, shuffle=True)

model = DropoutNet(8)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)
criterion = nn.MSELoss()
for epoch in range(50):
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item()
    if (epoch + 1) % 5 == 0:
        print(f"epoch {epoch + 1}: mse {total / len(loader):.4f}")

mean, std = predict_with_uncertainty(model, X[800:])
r2 = 1 - (mean - y[800:]).pow(2).sum() / (y[800:] - y[800:].mean()).pow(2).sum()
inside = ((mean - y[800:]).abs() < 2 * std).float().mean()
print(f"MC dropout R2 {r2.item():.4f}, mean std {std.mean().item():.4f}, within two std {inside.item():.3f}")
print(f"score: {r2.item():.4f}")
