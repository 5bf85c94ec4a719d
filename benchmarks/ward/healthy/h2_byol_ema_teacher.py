"""BYOL in miniature: an online net predicts the projection of a teacher that is its moving average (no gradient).

Two noisy views of each digit; at the end a linear probe on the features.
"""

import copy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


class Encoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU())
        self.projector = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, dim))

    def forward(self, x):
        return self.projector(self.backbone(x))


def augment(x):
    images = x.view(-1, 8, 8)
    shift = torch.randint(-1, 2, (2,)).tolist()
    images = torch.roll(images, shift, dims=(1, 2))
    mask = (torch.rand_like(images) > 0.15).float()
    return (images * mask + 0.1 * torch.randn_like(images)).flatten(1)


def regression_loss(p, z):
    return 2 - 2 * F.cosine_similarity(p, z, dim=-1).mean()


x, y = load_digits(return_X_y=True)
x = torch.tensor(x / 16.0, dtype=torch.float32)
y = torch.tensor(y)
perm = torch.randperm(len(x))
train, test = perm[:1400], perm[1400:]

online = Encoder()
predictor = nn.Sequential(nn.Linear(32, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 32))
target = copy.deepcopy(online)
for p in target.parameters():
    p.requires_grad = False
optimizer = torch.optim.Adam([*online.parameters(), *predictor.parameters()], lr=1e-3)
tau = 0.99

for epoch in range(20):
    total, batches = 0.0, 0
    for idx in train[torch.randperm(len(train))].split(100):
        v1, v2 = augment(x[idx]), augment(x[idx])
        with torch.no_grad():
            z1, z2 = target(v1), target(v2)
        loss = regression_loss(predictor(online(v1)), z2) + regression_loss(predictor(online(v2)), z1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for p_o, p_t in zip(online.parameters(), target.parameters(), strict=True):
                p_t.mul_(tau).add_(p_o, alpha=1 - tau)
        total, batches = total + loss.item(), batches + 1
    print(f"epoch {epoch + 1:2d} byol loss {total / batches:.4f}")

online.eval()
with torch.no_grad():
    feats = online.backbone(x)
probe = LogisticRegression(max_iter=500).fit(feats[train].numpy(), y[train].numpy())
accuracy = probe.score(feats[test].numpy(), y[test].numpy())
print(f"linear probe accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
