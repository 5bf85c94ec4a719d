"""Siamese net with the contrastive loss of Hadsell et al. (2006) on pairs of digits: one encoder, called twice."""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class PairDataset(Dataset):
    """Pairs of images, half of them of one class."""

    def __init__(self, images, labels, rng):
        self.images, self.labels, self.rng = images, labels, rng
        self.by_class = [np.flatnonzero(labels == c) for c in range(10)]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        same = self.rng.random() < 0.5
        label = self.labels[i]
        other = label if same else self.rng.choice(np.delete(np.arange(10), label))
        j = self.rng.choice(self.by_class[other])
        return self.images[i], self.images[j], np.float32(same)


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=1.0):
        super().__init__()
        self.margin = margin

    def forward(self, a, b, same):
        d = F.pairwise_distance(a, b)
        return torch.mean(same * d**2 + (1 - same) * torch.clamp(self.margin - d, min=0.0) ** 2)


X, y = load_digits(return_X_y=True)
X = (X / 16.0).astype(np.float32)
rng = np.random.default_rng(seed)
order = rng.permutation(len(X))
train_idx, test_idx = order[:1300], order[1300:]
loader = DataLoader(PairDataset(X[train_idx], y[train_idx], rng), batch_size=64, shuffle=True)

encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8))
criterion = ContrastiveLoss()
optimizer = torch.optim.Adam(encoder.parameters(), lr=2e-3)

for epoch in range(20):
    epoch_loss = []
    for img0, img1, same in loader:
        optimizer.zero_grad()
        out0, out1 = encoder(img0), encoder(img1)
        loss = criterion(out0, out1, same)
        loss.backward()
        optimizer.step()
        epoch_loss.append(loss.item())
    print(f"Epoch number {epoch}: current loss {np.mean(epoch_loss):.4f}")

encoder.eval()
with torch.no_grad():
    train_emb = encoder(torch.from_numpy(X[train_idx])).numpy()
    test_emb = encoder(torch.from_numpy(X[test_idx])).numpy()
knn = KNeighborsClassifier(5).fit(train_emb, y[train_idx])
print(f"score: {knn.score(test_emb, y[test_idx]):.4f}")
