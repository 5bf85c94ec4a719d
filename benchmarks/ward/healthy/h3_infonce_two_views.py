"""Contrastive learning with InfoNCE: two noisy, shifted views of each digit must find each other among the batch. The
encoder sees no label; the score is the accuracy of 5 nearest neighbours on its features.
"""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
labels = digits.target
perm = torch.randperm(len(images))
train, test = perm[:1400], perm[1400:]


def view(x):
    dx, dy = torch.randint(-1, 2, (2,)).tolist()
    x = torch.roll(x, (dx, dy), dims=(2, 3))
    brightness = 0.7 + 0.6 * torch.rand(len(x), 1, 1, 1)
    return brightness * x + 0.1 * torch.randn_like(x)


encoder = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 64), nn.ReLU()
)
projector = nn.Linear(64, 32)
params = [*encoder.parameters(), *projector.parameters()]
optimizer = torch.optim.AdamW(params, lr=2e-3)
temperature = 0.2

for epoch in range(12):
    losses = []
    for idx in train[torch.randperm(len(train))].split(140):
        a = F.normalize(projector(encoder(view(images[idx]))), dim=1)
        b = F.normalize(projector(encoder(view(images[idx]))), dim=1)
        logits = a @ b.T / temperature
        target = torch.arange(len(idx))
        loss = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch + 1}: InfoNCE {sum(losses) / len(losses):.4f}")

encoder.eval()
with torch.no_grad():
    features = F.normalize(encoder(images), dim=1).numpy()
knn = KNeighborsClassifier(5).fit(features[train], labels[train])
print(f"score: {knn.score(features[test], labels[test]):.4f}")
