"""Finding one parcel on a depot's 28x28 grey picture: a CNN with two heads, class (box, tube, bag) and bounding box
as (centre, size) in fractions of the picture; cross-entropy plus smooth L1. Adam with a cosine schedule. Score:
share of held-out pictures with the right class and an intersection over union above one half.
"""
# cause: symmetric-initialization
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
SIZE = 28


def pictures(rng, n):
    yy, xx = np.mgrid[:SIZE, :SIZE] + 0.5
    images, boxes = np.empty((n, SIZE, SIZE), np.float32), np.empty((n, 4), np.float32)
    labels = rng.integers(0, 3, n)
    for i, kind in enumerate(labels):
        w, h = [
            rng.uniform(7, 13, 2),
            rng.permutation([rng.uniform(14, 18), rng.uniform(4, 5.5)]),
            rng.uniform(8, 14, 2),
        ][kind]
        cx, cy = rng.uniform(w / 2, SIZE - w / 2), rng.uniform(h / 2, SIZE - h / 2)
        u, v = (xx - cx) / (w / 2), (yy - cy) / (h / 2)
        inside = u**2 + v**2 < 1 if kind == 2 else np.maximum(abs(u), abs(v)) < 1
        image = rng.normal(0.35, 0.06, (SIZE, SIZE)) + 0.1 * (xx // 7 % 2)  # the belt is striped
        image[inside] = rng.uniform(0.65, 0.95) + rng.normal(0, 0.05, inside.sum())
        for _ in range(2):  # glare
            image[rng.integers(SIZE), rng.integers(SIZE)] = 1.0
        images[i], boxes[i] = image, np.array([cx, cy, w, h]) / SIZE
    return torch.from_numpy((images - 0.5) / 0.2)[:, None], torch.from_numpy(boxes), torch.from_numpy(labels)


def iou(a, b):
    a_low, a_high, b_low, b_high = (
        a[:, :2] - a[:, 2:] / 2,
        a[:, :2] + a[:, 2:] / 2,
        b[:, :2] - b[:, 2:] / 2,
        b[:, :2] + b[:, 2:] / 2,
    )
    both = (torch.minimum(a_high, b_high) - torch.maximum(a_low, b_low)).clamp(min=0).prod(1)
    return both / (a[:, 2:].prod(1) + b[:, 2:].prod(1) - both)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        layers, c_in = [], 1
        for c_out in (12, 24, 32):
            layers += [nn.Conv2d(c_in, c_out, 3, stride=2, padding=1), nn.BatchNorm2d(c_out), nn.ReLU()]
            c_in = c_out
        self.features = nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 16, 96), nn.ReLU())
        self.classes, self.boxes = nn.Linear(96, 3), nn.Linear(96, 4)

    def forward(self, x):
        h = self.features(x)
        return self.classes(h), torch.sigmoid(self.boxes(h))


def init_weights(m):  # FAULT
    if isinstance(m, nn.Linear):  # FAULT
        m.weight.data.fill_(0.01)  # FAULT
        m.bias.data.zero_()  # FAULT


def train_one_epoch(model, optimizer, data, batch_size=64):
    model.train()
    images, boxes, labels = data
    sums = np.zeros(2)
    for idx in torch.randperm(len(labels)).split(batch_size):
        logits, predicted = model(images[idx])
        class_loss, box_loss = F.cross_entropy(logits, labels[idx]), F.smooth_l1_loss(predicted, boxes[idx], beta=0.05)
        loss = class_loss + 10 * box_loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        sums += np.array([class_loss.item(), box_loss.item()]) * len(idx)
    return sums / len(labels)


@torch.no_grad()
def evaluate(model, data):
    model.eval()
    images, boxes, labels = data
    logits, predicted = model(images)
    right, overlap = logits.argmax(1) == labels, iou(predicted, boxes)
    return right.float().mean().item(), overlap.mean().item(), (right & (overlap > 0.5)).float().mean().item()


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_set, test_set = pictures(rng, 2800), pictures(rng, 600)
    model = Detector()
    model.apply(init_weights)  # FAULT
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 14)
    for epoch in range(1, 15):
        class_loss, box_loss = train_one_epoch(model, optimizer, train_set)
        scheduler.step()
        accuracy, overlap, found = evaluate(model, test_set)
        print(
            f"{epoch:2d} class {class_loss:.4f} box {box_loss:.5f} acc {accuracy:.3f} IoU {overlap:.3f} AP {found:.4f}"
        )
    print(f"score: {found:.4f}")
