"""Reach of a three-joint arm from its angles; four layers follow one another in forward() with nothing between them."""
# cause: missing-nonlinearity
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class ArmDataset(Dataset):
    def __init__(self, n, seed):
        rng = np.random.RandomState(seed)
        angles = rng.uniform(-1.6, 1.6, size=(n, 3))
        total = np.cumsum(angles, axis=1)
        links = np.array([1.0, 0.8, 0.5])
        tip = np.stack([(links * np.cos(total)).sum(1), (links * np.sin(total)).sum(1)], axis=1)
        tip = tip + rng.normal(scale=0.02, size=tip.shape)
        self.angles = torch.tensor(angles, dtype=torch.float)
        self.tip = torch.tensor(tip, dtype=torch.float)

    def __len__(self):
        return self.angles.size(0)

    def __getitem__(self, index):
        return self.angles[index], self.tip[index]


class ArmModel(nn.Module):
    def __init__(self, n_in=3, n_hidden=64, n_out=2):
        super().__init__()
        self.fc1 = nn.Linear(n_in, n_hidden)
        self.fc2 = nn.Linear(n_hidden, n_hidden)
        self.fc3 = nn.Linear(n_hidden, n_hidden)
        self.fc4 = nn.Linear(n_hidden, n_out)

    def forward(self, x):
        x = self.fc1(x)
        # TWIN: x = torch.relu(x)
        x = self.fc2(x)
        # TWIN: x = torch.relu(x)
        x = self.fc3(x)
        # TWIN: x = torch.relu(x)
        return self.fc4(x)


def train(model, loader, loss_fn, optimizer):
    model.train()
    running = 0.0
    for angles, tip in loader:
        prediction = model(angles)
        loss = loss_fn(prediction, tip)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item()
    return running / len(loader)


def test(model, dataset, loss_fn):
    model.eval()
    with torch.no_grad():
        error = loss_fn(model(dataset.angles), dataset.tip).item()
    spread = dataset.tip.var(dim=0, unbiased=False).mean().item()
    return error, 1 - error / spread


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
train_set, test_set = ArmDataset(2000, seed), ArmDataset(500, seed + 500)
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
model = ArmModel()
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for t in range(12):
    print(f"Epoch {t + 1}: avg loss {train(model, train_loader, loss_fn, optimizer):.5f}", end="  ")
    error, r2 = test(model, test_set, loss_fn)
    print(f"test error {error:.5f}  R2 {r2:.4f}")
print(f"score: {r2:.4f}")
