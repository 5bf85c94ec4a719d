"""Two moons and a bit of noise, three stacked linear layers with nothing between them (UMLAUT, NeuraLint)."""
# cause: missing-nonlinearity
# kind: dynamic

import sys

import torch
from sklearn.datasets import make_moons
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = make_moons(n_samples=2000, noise=0.12, random_state=seed)
X = torch.from_numpy(X).float()
X = (X - X.mean(0)) / X.std(0)
y = torch.from_numpy(y).float()
train_loader = DataLoader(TensorDataset(X[:1500], y[:1500]), batch_size=50, shuffle=True)
X_test, y_test = X[1500:], y[1500:]

model = nn.Sequential(
    nn.Linear(2, 32),
    # TWIN: nn.ReLU(),
    nn.Linear(32, 32),
    # TWIN: nn.ReLU(),
    nn.Linear(32, 1),
)
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)

for epoch in range(20):
    epoch_loss = 0
    for inputs, targets in train_loader:
        outputs = model(inputs).squeeze(1)
        loss = loss_fn(outputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    with torch.no_grad():
        test_outputs = model(X_test).squeeze(1)
        test_loss = loss_fn(test_outputs, y_test)
    print(f"Epoch {epoch + 1}: train loss {epoch_loss / len(train_loader):.4f}, test loss {test_loss:.4f}")

accuracy = ((test_outputs > 0) == (y_test > 0.5)).float().mean()
print(f"score: {accuracy:.4f}")
