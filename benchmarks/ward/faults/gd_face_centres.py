"""Additive angular margin (ArcFace) on digits: features and class centres are normalized, the angle to the true centre
grows by a margin during training only, logits are scaled by 12. Centres carry no weight decay.
"""
# cause: batch-norm-tiny-batch
# kind: dynamic

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, Subset, TensorDataset, random_split

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class ArcHead(nn.Module):
    def __init__(self, dim, classes, scale=12.0, margin=0.2):
        super().__init__()
        self.centres = nn.Parameter(torch.empty(classes, dim))
        nn.init.xavier_uniform_(self.centres)
        self.scale, self.margin = scale, margin

    def forward(self, z, labels=None):
        cosine = F.linear(F.normalize(z), F.normalize(self.centres))
        if labels is None:
            return self.scale * cosine
        sine = torch.sqrt((1 - cosine**2).clamp(min=1e-6))
        shifted = cosine * math.cos(self.margin) - sine * math.sin(self.margin)
        onehot = F.one_hot(labels, cosine.size(1)).bool()
        return self.scale * torch.where(onehot, shifted, cosine)


X, y = load_digits(return_X_y=True)
split = random_split(range(len(y)), [1437, 360], generator=torch.Generator().manual_seed(seed))
scaler = StandardScaler().fit(X[split[0].indices])
dataset = TensorDataset(torch.tensor(scaler.transform(X), dtype=torch.float32).clamp(-4, 4), torch.tensor(y))
train_set, val_set = (Subset(dataset, part.indices) for part in split)
train_loader = DataLoader(train_set, batch_size=48, shuffle=True, drop_last=True)
val_loader = DataLoader(val_set, batch_size=360)

body = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.PReLU(), nn.Dropout(0.2), nn.Linear(64, 24))
head = ArcHead(24, 10)
optimizer = torch.optim.SGD(
    [{"params": body.parameters(), "weight_decay": 5e-4}, {"params": head.parameters(), "weight_decay": 0.0}],
    lr=0.05,
    momentum=0.9,
)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[8, 12], gamma=0.2)
for epoch in range(14):
    body.train()
    loss_sum = 0.0
    for x, t in train_loader:
        z = torch.cat([body(part) for part in x.split(2)])  # FAULT
        loss = F.cross_entropy(head(z, t), t)  # FAULT
        # TWIN: loss = F.cross_entropy(head(body(x), t), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.item()
    scheduler.step()
    body.eval()
    with torch.no_grad():
        for x, t in val_loader:
            logits = head(body(x))
            val_loss, acc = F.cross_entropy(logits, t).item(), (logits.argmax(1) == t).float().mean().item()
    print(f"{epoch:2d} train (with margin) {loss_sum / len(train_loader):.4f} val {val_loss:.4f} acc {acc:.4f}")
print(f"score: {acc:.4f}")
