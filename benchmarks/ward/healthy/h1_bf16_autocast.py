"""Digits MLP under bfloat16 autocast on the CPU: forward and loss inside the context, backward outside, weights and
optimizer state in float32. No gradient scaler, since bfloat16 has the range of float32.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

digits = load_digits()
order = torch.randperm(len(digits.target))
x = (torch.tensor(digits.data, dtype=torch.float32) / 16)[order]
y = torch.tensor(digits.target)[order]
train = DataLoader(TensorDataset(x[360:], y[360:]), batch_size=48, shuffle=True)
x_val, y_val = x[:360], y[:360]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(64, 128),
            nn.LayerNorm(128),
            nn.ReLU(),
            nn.Linear(128, 64),
            nn.LayerNorm(64),
            nn.ReLU(),
            nn.Linear(64, 10),
        )

    def forward(self, x):
        return self.layers(x)


model = Net()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.05, total_iters=16)

for epoch in range(16):
    model.train()
    total = 0.0
    for inputs, targets in train:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device_type="cpu", dtype=torch.bfloat16):
            loss = loss_fn(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step()

    model.eval()
    with torch.no_grad(), torch.autocast(device_type="cpu", dtype=torch.bfloat16):
        logits = model(x_val)
        val_loss = loss_fn(logits, y_val).item()
    acc = (logits.argmax(dim=1) == y_val).float().mean().item()
    print(f"epoch {epoch:>2}: train {total / len(train):.4f} val {val_loss:.4f} acc {acc:.4f}")

print(f"score: {acc:.4f}")
