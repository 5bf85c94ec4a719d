"""Forest cover types on a made-up map (elevation, slope, aspect, water, soil): BatchNorm and Dropout,
ReduceLROnPlateau on the validation loss, the best weights kept in memory for the test.
"""

import copy
import sys

import numpy as np
import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
np.random.seed(seed)
torch.manual_seed(seed)


def sample_map(n):
    elevation = np.random.normal(2600, 350, n)
    slope = np.random.gamma(3, 5, n)
    aspect = np.random.uniform(0, 2 * np.pi, n)
    water = np.random.exponential(250, n)
    soil = np.random.randint(0, 4, n)
    shade = np.cos(aspect) * np.sin(np.radians(slope))
    cold = (elevation - 2600) / 350 + 0.8 * shade
    wet = 1.0 - water / 250 + 0.4 * (soil == 2) - 0.3 * (soil == 3)
    noise = np.random.normal(0, 0.12, (2, n))
    cover = 3 * (wet + noise[0] > 0.1) + np.digitize(cold + noise[1], [-0.6, 0.6])
    table = np.column_stack([elevation, slope, np.cos(aspect), np.sin(aspect), np.log1p(water), np.eye(4)[soil]])
    return table, cover


table, cover = sample_map(6000)
mean, std = table[:4000].mean(0), table[:4000].std(0)
X = torch.tensor((table - mean) / std, dtype=torch.float32)
Y = torch.tensor(cover)
parts = {"train": slice(0, 4000), "valid": slice(4000, 5000), "test": slice(5000, 6000)}

model = nn.Sequential(
    nn.Linear(9, 64),
    nn.BatchNorm1d(64),
    nn.ReLU(),
    nn.Dropout(0.1),
    nn.Linear(64, 32),
    nn.BatchNorm1d(32),
    nn.ReLU(),
    nn.Linear(32, 6),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=2)
best, best_weights = float("inf"), None

for epoch in range(15):
    model.train()
    train_loss = 0.0
    batches = torch.randperm(4000).split(100)
    for idx in batches:
        x, y = X[parts["train"]][idx], Y[parts["train"]][idx]
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / len(batches)
    model.eval()
    with torch.no_grad():
        valid_loss = criterion(model(X[parts["valid"]]), Y[parts["valid"]]).item()
    scheduler.step(valid_loss)
    if valid_loss < best:
        best, best_weights = valid_loss, copy.deepcopy(model.state_dict())
    print(f"{epoch + 1:02d} train {train_loss:.4f} valid {valid_loss:.4f} lr {optimizer.param_groups[0]['lr']:.0e}")

model.load_state_dict(best_weights)
model.eval()
with torch.no_grad():
    accuracy = (model(X[parts["test"]]).argmax(1) == Y[parts["test"]]).float().mean().item()
print(f"best validation loss {best:.4f}")
print(f"score: {accuracy:.4f}")
