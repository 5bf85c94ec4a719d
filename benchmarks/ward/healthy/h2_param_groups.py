"""Fine-tuning in two phases with three parameter groups.

A trunk is trained on coarse labels; then a new head gets a larger rate than the trunk, and biases no weight decay.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

data = load_digits()
dataset = TensorDataset(torch.tensor(data.data / 16.0, dtype=torch.float32), torch.tensor(data.target))
train_set, val_set = random_split(dataset, [1400, 397])
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
val_loader = DataLoader(val_set, batch_size=397)

backbone = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
coarse_head = nn.Linear(32, 2)
fine_head = nn.Linear(32, 10)
criterion = nn.CrossEntropyLoss()

# Phase 1: odd or even
pretrain = torch.optim.Adam([*backbone.parameters(), *coarse_head.parameters()], lr=1e-3)
for epoch in range(5):
    for x, y in train_loader:
        pretrain.zero_grad()
        loss = criterion(coarse_head(backbone(x)), y % 2)
        loss.backward()
        pretrain.step()
    print(f"pretrain epoch {epoch} loss {loss.item():.4f}")

# Phase 2: all ten digits
decay = [p for p in backbone.parameters() if p.dim() > 1]
no_decay = [p for p in backbone.parameters() if p.dim() == 1]
optimizer = torch.optim.AdamW(
    [
        {"params": decay, "lr": 1e-3, "weight_decay": 1e-2},
        {"params": no_decay, "lr": 1e-3, "weight_decay": 0.0},
        {"params": fine_head.parameters(), "lr": 5e-3, "weight_decay": 1e-2},
    ]
)
model = nn.Sequential(backbone, fine_head)
for epoch in range(15):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        for x, y in val_loader:
            acc = (model(x).argmax(1) == y).float().mean().item()
    print(f"finetune epoch {epoch} loss {loss.item():.4f} val acc {acc:.4f}")

print(f"score: {acc:.4f}")
