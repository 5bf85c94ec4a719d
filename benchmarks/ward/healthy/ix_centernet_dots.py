"""Objects as points: two kinds of objects in a noisy grey image are found as peaks of class heat maps, with regression of size
and sub-cell offset; judged by F1 of detections at IoU 0.5.

After https://github.com/xingyizhou/CenterNet (Zhou et al. 2019).
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIZE, STRIDE, CLASSES = 32, 4, 2
GRID = SIZE // STRIDE


class Scenes(Dataset):
    """One to three boxes per image: filled ellipses (class 0) and hollow rectangles (class 1)."""

    def __init__(self, n, rng):
        self.items = [self.scene(rng) for _ in range(n)]

    @staticmethod
    def scene(rng):
        yy, xx = np.mgrid[:SIZE, :SIZE] + 0.5
        image, boxes = rng.normal(0, 0.15, (SIZE, SIZE)) + rng.uniform(-0.2, 0.2), []
        for _ in range(rng.integers(1, 4)):
            w, h = rng.uniform(7, 12, 2)
            cx, cy = rng.uniform(w / 2, SIZE - w / 2), rng.uniform(h / 2, SIZE - h / 2)
            if any(abs(cx - b[1]) < (w + b[3]) / 2 + 1 and abs(cy - b[2]) < (h + b[4]) / 2 + 1 for b in boxes):
                continue  # would touch another one
            k = rng.integers(CLASSES)
            dx, dy = abs(xx - cx) / (w / 2), abs(yy - cy) / (h / 2)
            rim = (abs(xx - cx) > w / 2 - 1.5) | (abs(yy - cy) > h / 2 - 1.5)
            mask = (np.maximum(dx, dy) <= 1) & rim if k else dx**2 + dy**2 <= 1
            image[mask] += rng.uniform(0.8, 1.2)
            boxes.append((k, cx, cy, w, h))
        return image.astype(np.float32), boxes

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        image, boxes = self.items[i]
        heat, reg, mask = torch.zeros(CLASSES, GRID, GRID), torch.zeros(4, GRID, GRID), torch.zeros(GRID, GRID)
        ys, xs = torch.meshgrid(torch.arange(GRID), torch.arange(GRID), indexing="ij")
        for k, cx, cy, w, h in boxes:
            gx, gy, ix, iy = cx / STRIDE, cy / STRIDE, int(cx / STRIDE), int(cy / STRIDE)
            peak = torch.exp(-((xs - ix) ** 2 + (ys - iy) ** 2) / (2 * 0.7**2))
            heat[k] = torch.maximum(heat[k], peak)
            reg[:, iy, ix] = torch.tensor([gx - ix, gy - iy, w / 10, h / 10])
            mask[iy, ix] = 1
        return torch.from_numpy(image)[None], heat, reg, mask


class CenterNet(nn.Module):
    def __init__(self):
        super().__init__()
        block = lambda i, o, s=1: nn.Sequential(
            nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True)
        )
        self.backbone = nn.Sequential(block(1, 12, 2), block(12, 24), block(24, 40, 2), block(40, 40), block(40, 40))
        self.heat, self.reg = nn.Conv2d(40, CLASSES, 1), nn.Sequential(block(40, 32), nn.Conv2d(32, 4, 1))
        nn.init.constant_(self.heat.bias, -2.19)  # the usual prior of 0.1

    def forward(self, x):
        f = self.backbone(x)
        return self.heat(f), self.reg(f)


def focal_loss(logits, target, alpha=2, beta=4):
    p = logits.sigmoid().clamp(1e-4, 1 - 1e-4)
    positive = target.eq(1).float()
    pos = positive * torch.log(p) * (1 - p) ** alpha
    neg = (1 - positive) * torch.log(1 - p) * p**alpha * (1 - target) ** beta
    return -(pos.sum() + neg.sum()) / positive.sum().clamp(min=1)


def iou(a, b):
    inter = np.prod(
        [
            max(0.0, min(a[i] + a[i + 2] / 2, b[i] + b[i + 2] / 2) - max(a[i] - a[i + 2] / 2, b[i] - b[i + 2] / 2))
            for i in (0, 1)
        ]
    )
    return inter / (a[2] * a[3] + b[2] * b[3] - inter)


@torch.no_grad()
def evaluate(model, dataset, threshold=0.4):
    model.eval()
    tp = n_found = n_true = 0
    for image, boxes in dataset.items:
        heat, reg = model(torch.from_numpy(image)[None, None])
        heat = heat.sigmoid()
        peaks = (heat == F.max_pool2d(heat, 3, 1, 1)) & (heat > threshold)
        found = []
        for _, k, iy, ix in peaks.nonzero().tolist():
            ox, oy, w, h = reg[0, :, iy, ix].tolist()
            found.append((heat[0, k, iy, ix].item(), k, (ix + ox) * STRIDE, (iy + oy) * STRIDE, 10 * w, 10 * h))
        left = list(boxes)
        for _, k, cx, cy, w, h in sorted(found, reverse=True):
            hit = next((b for b in left if b[0] == k and iou((cx, cy, w, h), b[1:]) >= 0.5), None)
            if hit is not None:
                left.remove(hit)
        tp, n_found, n_true = tp + len(boxes) - len(left), n_found + len(found), n_true + len(boxes)
    return 2 * tp / (n_found + n_true)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    test_set = Scenes(120, rng)
    loader = DataLoader(Scenes(450, rng), batch_size=25, shuffle=True)
    model = CenterNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [6, 8], gamma=0.3)
    for epoch in range(1, 11):
        model.train()
        sums = np.zeros(2)
        for image, heat, reg, mask in loader:
            heat_out, reg_out = model(image)
            hm_loss = focal_loss(heat_out, heat)
            reg_loss = (mask[:, None] * (reg_out - reg).abs()).sum() / mask.sum()
            optimizer.zero_grad()
            (hm_loss + reg_loss).backward()
            optimizer.step()
            sums += [hm_loss.item(), reg_loss.item()]
        scheduler.step()
        print(f"epoch {epoch}: hm_loss {sums[0] / len(loader):.3f}, reg_loss {sums[1] / len(loader):.3f}")
    print(f"score: {evaluate(model, test_set):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
