"""Two-output regression: heating and cooling load of a building from eight design features (simulated table)."""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)
np.random.seed(SEED)


def simulate(n):
    compact = np.random.uniform(0.6, 1.0, n)
    wall = np.random.uniform(245, 420, n)
    roof = np.random.uniform(110, 220, n)
    height = np.random.choice([3.5, 7.0], n)
    orient = np.random.randint(0, 4, n)
    glazing = np.random.choice([0, 0.1, 0.25, 0.4], n)
    insulation = np.random.uniform(0.2, 1.2, n)
    people = np.random.poisson(4, n)
    heat = 0.05 * wall * insulation + 2.2 * height + 18 * glazing * (orient != 2) - 0.8 * people - 12 * compact
    cool = 0.03 * roof + 30 * glazing * (1 + (orient == 2)) + 0.9 * people + 1.5 * height * (1 - compact)
    X = np.column_stack(
        [compact, wall, roof, height, orient == 0, orient == 1, orient == 2, glazing, insulation, people]
    )
    Y = np.column_stack([heat, cool]) + np.random.normal(0, 1.0, (n, 2))
    return X.astype("float32"), Y.astype("float32")


class EnergyDataset(Dataset):
    def __init__(self, X, Y):
        self.X = torch.from_numpy(X)
        self.Y = torch.from_numpy(Y)

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        return self.X[i], self.Y[i]


X, Y = simulate(1200)
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.25, random_state=SEED)
xs, ys = StandardScaler().fit(X_train), StandardScaler().fit(Y_train)
train_ds = EnergyDataset(xs.transform(X_train), ys.transform(Y_train))
test_ds = EnergyDataset(xs.transform(X_test), ys.transform(Y_test))
loader = DataLoader(train_ds, batch_size=32, shuffle=True)

net = nn.Sequential(nn.Linear(10, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 2))
opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=25)

for epoch in range(25):
    losses = []
    for xb, yb in loader:
        opt.zero_grad()
        loss = F.mse_loss(net(xb), yb)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    sched.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            test_loss = F.mse_loss(net(test_ds.X), test_ds.Y)
        print(f"[{epoch + 1:02d}/25] train {np.mean(losses):.4f} test {test_loss.item():.4f}")

with torch.no_grad():
    residual = ((net(test_ds.X) - test_ds.Y) ** 2).mean(0)
r2 = 1 - residual / test_ds.Y.var(0)
print(f"R2 heating {r2[0].item():.3f} cooling {r2[1].item():.3f}")
print("score:", round(r2.mean().item(), 4))
