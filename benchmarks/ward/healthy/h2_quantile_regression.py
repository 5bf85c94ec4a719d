"""Quantile regression with the pinball loss: one net gives the 10, 50 and 90 percent quantiles of noisy data."""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)

quantiles = torch.tensor([0.1, 0.5, 0.9])


def pinball_loss(pred, target):
    error = target - pred
    return torch.max(quantiles * error, (quantiles - 1) * error).mean()


x = torch.rand(2000, 1) * 4 - 2
y = torch.sin(2 * x) + (0.1 + 0.2 * x.abs()) * torch.randn_like(x)
train_ds, test_ds = random_split(TensorDataset(x, y), [1600, 400])
train_dl = DataLoader(train_ds, batch_size=64, shuffle=True)
test_dl = DataLoader(test_ds, batch_size=400)

model = nn.Sequential(nn.Linear(1, 64), nn.ELU(), nn.Linear(64, 64), nn.ELU(), nn.Linear(64, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=15, gamma=0.3)

for epoch in range(40):
    train_loss = 0.0
    for xb, yb in train_dl:
        optimizer.zero_grad()
        loss = pinball_loss(model(xb), yb)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / len(train_dl)
    scheduler.step()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1} pinball {train_loss:.4f} lr {scheduler.get_last_lr()[0]:.5f}")

model.eval()
with torch.no_grad():
    for xb, yb in test_dl:
        pred = model(xb)
        test_loss = pinball_loss(pred, yb).item()
        below = (yb < pred).float().mean(0)
print("share of targets below each quantile:", [round(v, 3) for v in below.tolist()])
print(f"score: {-test_loss:.4f}")
