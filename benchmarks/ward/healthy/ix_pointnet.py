"""Point clouds of six solids, randomly turned about the upright axis, classified with a PointNet: an input transform, a shared
MLP with max pooling, and the orthogonality penalty on the feature transform.

After https://github.com/fxia22/pointnet.pytorch (Qi et al. 2017).
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

NAMES = ["sphere", "box", "cylinder", "cone", "torus", "pyramid"]


def sample(name, n, rng):
    u, v = rng.random(n), rng.random(n)
    phi = 2 * np.pi * u
    if name == "sphere":
        z = 2 * v - 1
        p = np.stack([np.sqrt(1 - z**2) * np.cos(phi), np.sqrt(1 - z**2) * np.sin(phi), z], 1)
    elif name == "box":
        p = rng.uniform(-1, 1, (n, 3))
        p[np.arange(n), rng.integers(3, size=n)] = rng.choice([-1.0, 1.0], n)
    elif name == "torus":
        theta = 2 * np.pi * v
        r = 1 + 0.4 * np.cos(theta)
        p = np.stack([r * np.cos(phi), r * np.sin(phi), 0.4 * np.sin(theta)], 1)
    else:  # bodies with a height: cylinder, cone, pyramid
        h = rng.uniform(-1, 1, n) if name == "cylinder" else 1 - 2 * np.sqrt(v)
        r = np.ones(n) if name == "cylinder" else (1 - h) / 2
        if name == "pyramid":
            r = r / np.maximum(abs(np.cos(phi)), abs(np.sin(phi)))
        p = np.stack([r * np.cos(phi), r * np.sin(phi), h], 1)
    return p


class Solids(Dataset):
    def __init__(self, n, rng, npoints=80, augment=False):
        self.augment = augment
        self.labels = rng.permutation(np.arange(n) % len(NAMES))
        clouds = []
        for k in self.labels:
            p = sample(NAMES[k], npoints, rng) * rng.uniform(0.6, 1.4, 3)
            p = self.turn(p, rng.uniform(0, 2 * np.pi))
            p = p - p.mean(0)
            clouds.append(p / np.sqrt((p**2).sum(1)).max())
        self.clouds = np.array(clouds, dtype=np.float32)

    @staticmethod
    def turn(p, angle):
        c, s = np.cos(angle), np.sin(angle)
        return p @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        p = self.clouds[i]
        if self.augment:
            p = self.turn(p, torch.rand(()).item() * 2 * np.pi)
        points = torch.as_tensor(p, dtype=torch.float32)
        points = points + 0.02 * torch.randn_like(points) if self.augment else points
        return points.T, int(self.labels[i])


class TNet(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.k = k
        self.local = nn.Sequential(
            nn.Conv1d(k, 32, 1), nn.BatchNorm1d(32), nn.ReLU(), nn.Conv1d(32, 64, 1), nn.BatchNorm1d(64), nn.ReLU()
        )
        self.fc = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, k * k))
        nn.init.normal_(self.fc[-1].weight, std=1e-3)
        nn.init.zeros_(self.fc[-1].bias)

    def forward(self, x):
        x = self.fc(self.local(x).max(2).values)
        return x.view(-1, self.k, self.k) + torch.eye(self.k)


class PointNetCls(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.stn, self.fstn = TNet(3), TNet(16)
        self.mlp1 = nn.Sequential(nn.Conv1d(3, 16, 1), nn.BatchNorm1d(16), nn.ReLU())
        self.mlp2 = nn.Sequential(
            nn.Conv1d(16, 48, 1), nn.BatchNorm1d(48), nn.ReLU(), nn.Conv1d(48, 96, 1), nn.BatchNorm1d(96)
        )
        self.head = nn.Sequential(
            nn.Linear(96, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Dropout(0.3), nn.Linear(48, classes)
        )

    def forward(self, x):
        x = self.mlp1(torch.bmm(self.stn(x), x))
        trans_feat = self.fstn(x)
        x = self.mlp2(torch.bmm(trans_feat, x)).max(2).values
        return F.log_softmax(self.head(x), dim=1), trans_feat


def feature_transform_regularizer(trans):
    identity = torch.eye(trans.shape[1])
    return torch.linalg.matrix_norm(torch.bmm(trans, trans.transpose(1, 2)) - identity).mean()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    loader = DataLoader(Solids(600, rng, augment=True), batch_size=32, shuffle=True, drop_last=True)
    test_loader = DataLoader(Solids(240, rng), batch_size=120)
    classifier = PointNetCls(len(NAMES))
    optimizer = torch.optim.Adam(classifier.parameters(), lr=2e-3, betas=(0.9, 0.999))
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.5)
    for epoch in range(10):
        classifier.train()
        losses = []
        for points, target in loader:
            optimizer.zero_grad()
            pred, trans_feat = classifier(points)
            loss = F.nll_loss(pred, target) + 0.001 * feature_transform_regularizer(trans_feat)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        classifier.eval()
        with torch.no_grad():
            accuracy = sum((classifier(p)[0].argmax(1) == t).sum().item() for p, t in test_loader) / len(
                test_loader.dataset
            )
        print(f"[{epoch}] train loss: {np.mean(losses):.4f} test accuracy: {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
