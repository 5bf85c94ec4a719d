"""Detects discs and squares with a one-stage grid detector (objectness, class, box), scored by mean average precision.

After YOLO as taught in aladdinpersson/Machine-Learning-Collection and YOLOX (https://github.com/Megvii-BaseDetection/YOLOX).
"""

import math
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SIZE, GRID, CELL = 40, 5, 8


def scene(rng):
    img = np.full((SIZE, SIZE), rng.uniform(0.1, 0.4))
    yy, xx = np.mgrid[:SIZE, :SIZE] + 0.5
    boxes = []
    for _ in range(rng.integers(1, 4)):
        for _ in range(20):  # look for a free place
            r = rng.uniform(3.5, 7)
            cx, cy = rng.uniform(r, SIZE - r, 2)
            if all(max(abs(cx - b[0]), abs(cy - b[1])) > r + b[2] / 2 + 1 for b in boxes):
                label = int(rng.integers(2))
                inside = np.hypot(xx - cx, yy - cy) < r if label == 0 else np.maximum(abs(xx - cx), abs(yy - cy)) < r
                img[inside] = rng.uniform(0.6, 1.0)
                boxes.append((cx, cy, 2 * r, label))
                break
    return img + rng.normal(0, 0.05, img.shape), boxes


def make_set(rng, n):
    scenes = [scene(rng) for _ in range(n)]
    images = torch.tensor(np.stack([s[0] for s in scenes]), dtype=torch.float32).unsqueeze(1)
    return (images - 0.4) / 0.25, [s[1] for s in scenes]


def encode(truth):
    """Targets of shape (n, 5, GRID, GRID): objectness, offsets in the cell, log-size, class."""
    target = torch.zeros(len(truth), 5, GRID, GRID)
    for n, boxes in enumerate(truth):
        for cx, cy, w, label in boxes:
            i, j = int(cy // CELL), int(cx // CELL)
            target[n, :, i, j] = torch.tensor([1.0, cx / CELL - j, cy / CELL - i, np.log(w / CELL), label])
    return target


def make_detector(c=12):
    def block(i, o, s):
        return nn.Sequential(nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), nn.LeakyReLU(0.1))

    head = nn.Conv2d(4 * c, 5, 1)
    with torch.no_grad():
        head.bias[0] = -2.0  # few cells hold an object
    return nn.Sequential(block(1, c, 2), block(c, 2 * c, 2), block(2 * c, 4 * c, 2), block(4 * c, 4 * c, 1), head)


def detection_loss(pred, target):
    obj = target[:, 0] > 0
    obj_loss = F.binary_cross_entropy_with_logits(pred[:, 0], target[:, 0])
    p, t = pred.permute(0, 2, 3, 1)[obj], target.permute(0, 2, 3, 1)[obj]
    xy_loss = F.mse_loss(torch.sigmoid(p[:, 1:3]), t[:, 1:3])
    size_loss = F.smooth_l1_loss(p[:, 3], t[:, 3])
    cls_loss = F.binary_cross_entropy_with_logits(p[:, 4], t[:, 4])
    return 2 * obj_loss + 5 * xy_loss + 2 * size_loss + cls_loss


def iou(a, b):
    (ax, ay, aw), (bx, by, bw) = a, b
    w = min(ax + aw / 2, bx + bw / 2) - max(ax - aw / 2, bx - bw / 2)
    h = min(ay + aw / 2, by + bw / 2) - max(ay - aw / 2, by - bw / 2)
    inter = max(w, 0) * max(h, 0)
    return inter / (aw * aw + bw * bw - inter)


@torch.no_grad()
def mean_ap(model, images, truth, threshold=0.5):
    model.eval()
    out = model(images)
    score, xy, size, cls = out[:, 0].sigmoid(), out[:, 1:3].sigmoid(), out[:, 3].exp() * CELL, out[:, 4] > 0
    aps = []
    for c in (0, 1):
        found, kept, used, hits = [], [], set(), []
        for n, i, j in ((score > 0.05) & (cls == c)).nonzero().tolist():
            box = ((xy[n, 0, i, j].item() + j) * CELL, (xy[n, 1, i, j].item() + i) * CELL, size[n, i, j].item())
            found.append((score[n, i, j].item(), n, box))
        found.sort(key=lambda f: -f[0])
        for s, n, box in found:  # non-maximum suppression
            if all(m != n or iou(box, other) < 0.5 for _, m, other in kept):
                kept.append((s, n, box))
        for _, n, box in kept:
            best = max(
                ((iou(box, b[:3]), k) for k, b in enumerate(truth[n]) if b[3] == c and (n, k) not in used),
                default=(0.0, -1),
            )
            hits.append(best[0] >= threshold)
            if hits[-1]:
                used.add((n, best[1]))
        total = sum(b[3] == c for boxes in truth for b in boxes)
        precision = np.maximum.accumulate((np.cumsum(hits) / np.arange(1, len(hits) + 1))[::-1])[::-1]
        aps.append(float((precision * np.array(hits)).sum() / total))
    return sum(aps) / 2


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    images, truth = make_set(rng, 900)
    test_images, test_truth = make_set(rng, 150)
    targets = encode(truth)
    model = make_detector()
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-4)
    epochs, batch = 12, 40
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 4e-3, total_steps=epochs * math.ceil(len(images) / batch)
    )
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(images)).split(batch):
            loss = detection_loss(model(images[idx]), targets[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(idx) / len(images)
        if epoch % 4 == 0:
            print(f"epoch {epoch}: loss {total:.4f} mAP@0.5 {mean_ap(model, test_images, test_truth):.4f}")
    print(f"score: {mean_ap(model, test_images, test_truth):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
