"""Responders to a drug from 60 blood markers of 90 patients, by a network with far more weights than patients that is
trained until the training loss is gone."""
# cause: overfitting
# kind: dynamic

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

effect = torch.zeros(60)
effect[:15] = 0.8


def patients(n):
    responds = torch.randint(0, 2, (n,)).float()
    markers = torch.randn(n, 60) + (responds.unsqueeze(1) - 0.5) * effect
    flipped = torch.rand(n) < 0.08
    return markers, torch.where(flipped, 1 - responds, responds)


x_train, y_train = patients(90)
x_val, y_val = patients(300)
model = nn.Sequential(nn.Linear(60, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-4)
criterion = nn.BCEWithLogitsLoss()
EPOCHS = 200  # FAULT
# TWIN: EPOCHS = 12

for epoch in range(EPOCHS):
    model.train()
    for idx in torch.randperm(90).split(15):
        optimizer.zero_grad()
        loss = criterion(model(x_train[idx]).squeeze(1), y_train[idx])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        train_loss = criterion(model(x_train).squeeze(1), y_train).item()
        val_loss = criterion(model(x_val).squeeze(1), y_val).item()
    print(f"epoch {epoch} train {train_loss:.4f} val {val_loss:.4f}")
print(f"score: {-val_loss:.4f}")
