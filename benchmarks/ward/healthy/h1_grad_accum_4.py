"""Gradient accumulation over four microbatches of 16 (loss divided by four), the optimizer steps and zeroes only
then; a digits MLP with AdamW.
"""

import argparse

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("seed", nargs="?", type=int, default=0)
parser.add_argument("--epochs", type=int, default=14)
parser.add_argument("--micro-batch", type=int, default=16)
parser.add_argument("--accumulation-steps", type=int, default=4)
parser.add_argument("--lr", type=float, default=4e-3)
cfg = parser.parse_args()

torch.set_num_threads(1)
torch.manual_seed(cfg.seed)

data = load_digits()
parts = train_test_split(data.data / 16, data.target, test_size=0.2, random_state=cfg.seed)
x_train, x_val = (torch.tensor(p, dtype=torch.float32) for p in parts[:2])
y_train, y_val = (torch.tensor(p) for p in parts[2:])
train_loader = DataLoader(TensorDataset(x_train, y_train), batch_size=cfg.micro_batch, shuffle=True, drop_last=True)

model = nn.Sequential(nn.Linear(64, 80), nn.GELU(), nn.Linear(80, 40), nn.GELU(), nn.Linear(40, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
criterion = nn.CrossEntropyLoss()

for epoch in range(cfg.epochs):
    model.train()
    optimizer.zero_grad()
    epoch_loss = 0.0
    for i, (inputs, labels) in enumerate(train_loader):
        loss = criterion(model(inputs), labels) / cfg.accumulation_steps
        loss.backward()
        epoch_loss += loss.item() * cfg.accumulation_steps
        if (i + 1) % cfg.accumulation_steps == 0:
            optimizer.step()
            optimizer.zero_grad()

    model.eval()
    with torch.no_grad():
        logits = model(x_val)
        val_loss = criterion(logits, y_val).item()
        val_acc = (logits.argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch}: train {epoch_loss / len(train_loader):.4f}, val {val_loss:.4f}, acc {val_acc:.4f}")

print(f"score: {val_acc:.4f}")
