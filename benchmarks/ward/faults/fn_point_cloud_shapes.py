"""A miniature PointNet that names the shape (ten kinds of solids and curves) from which 48 points were drawn.

After https://github.com/yanx27/Pointnet_Pointnet2_pytorch/issues/30
"""
# cause: missing-log
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

KINDS = ["ball", "shell", "cube", "stick", "plate", "ring", "cross", "helix", "cone", "two balls"]


def draw_points(rng, kind, n=48):
    u, v, w = rng.uniform(-1, 1, size=(3, n))
    a = np.pi * u
    g = rng.normal(size=(n, 3))
    g /= np.linalg.norm(g, axis=1, keepdims=True)
    if kind == "ball":
        p = g * np.abs(v)[:, None] ** (1 / 3)
    elif kind == "shell":
        p = g
    elif kind == "cube":
        p = np.stack([u, v, w], 1)
    elif kind == "stick":
        p = np.stack([0.1 * u, 0.1 * v, w], 1)
    elif kind == "plate":
        p = np.stack([u, v, 0.05 * w], 1)
    elif kind == "ring":
        p = np.stack([np.cos(a), np.sin(a), 0.05 * v], 1)
    elif kind == "cross":
        side = (v > 0).astype(float)
        p = np.stack([u * side, u * (1 - side), 0.05 * w], 1)
    elif kind == "helix":
        p = np.stack([0.6 * np.cos(3 * a), 0.6 * np.sin(3 * a), u], 1)
    elif kind == "cone":
        h = (1 + v) / 2
        p = np.stack([h * np.cos(a), h * np.sin(a), 2 * h - 1], 1)
    else:
        p = 0.4 * g + np.sign(v)[:, None] * np.array([0.0, 0.0, 0.6])
    return p * rng.uniform(0.8, 1.2) + rng.normal(0, 0.05, size=(n, 3))


def make_clouds(rng, n):
    labels = rng.integers(0, len(KINDS), size=n)
    clouds = np.stack([draw_points(rng, KINDS[k]).T for k in labels]).astype(np.float32)
    return torch.from_numpy(clouds), torch.from_numpy(labels)


class PointNet(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.conv1 = nn.Conv1d(3, 32, 1)
        self.conv2 = nn.Conv1d(32, 64, 1)
        self.fc1 = nn.Linear(64, 48)
        self.fc2 = nn.Linear(48, k)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = torch.max(x, 2)[0]
        x = F.relu(self.fc1(x))
        return F.softmax(self.fc2(x), dim=1)  # FAULT
        # TWIN: return F.log_softmax(self.fc2(x), dim=1)


def main(seed):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    points, target = make_clouds(rng, 1280)
    test_points, test_target = make_clouds(rng, 400)

    classifier = PointNet(len(KINDS))
    optimizer = torch.optim.Adam(classifier.parameters(), lr=2e-3)

    for epoch in range(20):
        classifier.train()
        order = torch.randperm(len(points))
        for i in range(0, len(order), 32):
            idx = order[i : i + 32]
            optimizer.zero_grad()
            label_pred = classifier(points[idx])
            loss = F.nll_loss(label_pred, target[idx])
            loss.backward()
            optimizer.step()
        classifier.eval()
        with torch.no_grad():
            correct = (classifier(test_points).argmax(1) == test_target).float().mean().item()
        if epoch % 4 == 3:
            print("Epoch %d label loss: %f test accuracy: %f" % (epoch + 1, loss.item(), correct))

    print(f"score: {correct:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
