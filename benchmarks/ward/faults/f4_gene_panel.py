"""Disease risk from a small gene panel: 60 patients, a wide network, hundreds of epochs (twin: 1500 patients)."""
# cause: overfitting
# kind: dynamic

import argparse

import numpy as np
import torch
from torch import nn

parser = argparse.ArgumentParser(description="gene panel risk model")
parser.add_argument("seed", nargs="?", type=int, default=0)
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(args.seed)
rng = np.random.default_rng(args.seed)

genes = rng.normal(size=(2300, 40)).astype(np.float32)
effect = np.zeros(40, dtype=np.float32)
effect[:8] = rng.choice([-1.0, 1.0], 8) * rng.uniform(0.6, 1.2, 8)
risk = 1 / (1 + np.exp(-1.2 * genes @ effect))
sick = (rng.random(2300) < risk).astype(np.float32)
x, y = torch.from_numpy(genes), torch.from_numpy(sick)
patients = 60  # FAULT
# TWIN: patients = 1500
x_train, y_train = x[:patients], y[:patients]
x_val, y_val = x[1500:], y[1500:]

width = 128  # FAULT
# TWIN: width = 8
model = nn.Sequential(nn.Linear(40, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.BCEWithLogitsLoss()

epochs = 300  # FAULT
# TWIN: epochs = 15
for epoch in range(1, epochs + 1):
    model.train()
    for idx in torch.randperm(len(x_train)).split(20):
        loss = criterion(model(x_train[idx]).squeeze(1), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        train_loss = criterion(model(x_train).squeeze(1), y_train).item()
        val_out = model(x_val).squeeze(1)
        val_loss = criterion(val_out, y_val).item()
        val_acc = ((val_out > 0) == y_val.bool()).float().mean().item()
    if epoch % 5 == 0:
        print(f"epoch {epoch} train loss {train_loss:.4f} val loss {val_loss:.4f} val acc {val_acc:.4f}")
print(f"score: {-val_loss:.4f}")
