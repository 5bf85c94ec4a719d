"""Binary classification of a simulated cardiology table (BCEWithLogitsLoss, random_split, momentum SGD)."""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)
ap = argparse.ArgumentParser()
ap.add_argument("seed", nargs="?", type=int, default=0)
cfg = ap.parse_args()
torch.manual_seed(cfg.seed)

n = 6000
age = torch.normal(55.0, 9.0, (n,))
pressure = torch.normal(132.0, 17.0, (n,))
chol = torch.normal(245.0, 45.0, (n,))
max_hr = 215 - age + torch.normal(0.0, 15.0, (n,))
smoker = torch.bernoulli(torch.full((n,), 0.35))
pain = torch.randint(0, 4, (n,))
risk = (
    0.09 * (age - 55)
    + 0.05 * (pressure - 132)
    + 0.02 * (chol - 245) * (1 + smoker)
    - 0.05 * (max_hr - 160)
    + torch.tensor([-2.0, -0.5, 0.5, 2.0])[pain]
)
target = torch.bernoulli(torch.sigmoid(1.5 * risk))

numeric = torch.stack([age, pressure, chol, max_hr], dim=1)
one_hot = nn.functional.one_hot(pain, 4).float()
features = torch.cat([numeric, smoker[:, None], one_hot], dim=1)

train_set, val_set = random_split(TensorDataset(features, target), [5000, 1000])
train_x = features[train_set.indices]
center, scale = train_x.mean(0), train_x.std(0)

train_dl = DataLoader(train_set, batch_size=50, shuffle=True, drop_last=True)
val_dl = DataLoader(val_set, batch_size=1000)


class HeartNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("center", center)
        self.register_buffer("scale", scale)
        self.l1 = nn.Linear(9, 32)
        self.l2 = nn.Linear(32, 16)
        self.l3 = nn.Linear(16, 1)

    def forward(self, x):
        x = (x - self.center) / self.scale
        x = torch.relu(self.l1(x))
        x = torch.relu(self.l2(x))
        return self.l3(x).squeeze(1)


model = HeartNet()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-3)

for epoch in range(12):
    model.train()
    total, seen = 0.0, 0
    for xb, yb in train_dl:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(yb)
        seen += len(yb)
    model.eval()
    with torch.no_grad():
        for xb, yb in val_dl:
            logits = model(xb)
            val_loss = criterion(logits, yb).item()
            val_acc = ((logits > 0).float() == yb).float().mean().item()
    print(f"epoch {epoch:02d} loss {total / seen:.4f} val_loss {val_loss:.4f} val_acc {val_acc:.4f}")
print(f"score: {val_acc:.4f}")
