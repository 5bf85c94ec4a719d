"""Fixed random convolutions and their pooled rectified responses feed a trained linear layer, the features computed
once and standardised. Nothing but the last layer is meant to learn."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
labels = torch.tensor(digits.target)
order = torch.randperm(len(labels))
train, test = order[:1400], order[1400:]

filters = nn.Conv2d(1, 96, 4, bias=True)
for p in filters.parameters():
    p.requires_grad_(False)
with torch.no_grad():
    filters.weight.normal_(0, 0.4)
    filters.weight -= filters.weight.mean(dim=(1, 2, 3), keepdim=True)
    features = F.adaptive_avg_pool2d(F.relu(filters(images)), 3).flatten(1)
    features = (features - features[train].mean(0)) / (features[train].std(0) + 1e-3)

readout = nn.Linear(features.shape[1], 10)
optimizer = torch.optim.AdamW(readout.parameters(), lr=2e-3, weight_decay=0.05)
for epoch in range(15):
    total = 0.0
    for idx in train[torch.randperm(len(train))].split(50):
        loss = F.cross_entropy(readout(features[idx]), labels[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        accuracy = (readout(features[test]).argmax(1) == labels[test]).float().mean().item()
    print(f"epoch {epoch + 1:2d} loss {total / 28:.4f} test {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
