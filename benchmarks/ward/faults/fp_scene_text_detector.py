"""A small EAST-like detector: from a grey image it predicts a score map (text or not) and, where there is text, the
distances to the four sides of the box.

After https://github.com/SakuraRiven/EAST/issues/2
"""
# cause: unstable-loss
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

SIZE = 20


def make_images(count, rng):
    """Noise with, in about half of the images, one box of dark and bright strokes."""
    images = rng.normal(0, 0.4, (count, 1, SIZE, SIZE)).astype(np.float32)
    score = np.zeros((count, 1, SIZE, SIZE), dtype=np.float32)
    geo = np.zeros((count, 4, SIZE, SIZE), dtype=np.float32)
    for i in range(count):
        if rng.random() < 0.55:
            continue
        h, w = rng.integers(4, 8), rng.integers(7, 14)
        top, left = rng.integers(0, SIZE - h), rng.integers(0, SIZE - w)
        strokes = rng.choice([-1.2, 1.2], (h, w))
        images[i, 0, top : top + h, left : left + w] += strokes
        score[i, 0, top : top + h, left : left + w] = 1
        ys, xs = np.mgrid[top : top + h, left : left + w]
        sides = np.stack([ys - top, top + h - 1 - ys, xs - left, left + w - 1 - xs]) + 0.5
        geo[i, :, top : top + h, left : left + w] = sides
    return TensorDataset(torch.tensor(images), torch.tensor(score), torch.tensor(geo))


class EAST(nn.Module):
    def __init__(self):
        super().__init__()
        self.extractor = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 16, 3, padding=2, dilation=2),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 24, 3, padding=2, dilation=2),
            nn.BatchNorm2d(24),
            nn.ReLU(),
        )
        self.score_head = nn.Conv2d(24, 1, 1)
        self.geo_head = nn.Conv2d(24, 4, 1)

    def forward(self, x):
        x = self.extractor(x)
        return torch.sigmoid(self.score_head(x)), torch.sigmoid(self.geo_head(x)) * SIZE


def get_dice_loss(gt_score, pred_score):
    inter = torch.sum(gt_score * pred_score)
    union = torch.sum(gt_score) + torch.sum(pred_score) + 1e-5
    return 1.0 - 2 * inter / union


def get_iou_loss(gt_geo, pred_geo):
    t, b, l, r = torch.split(gt_geo, 1, 1)
    tp, bp, lp, rp = torch.split(pred_geo, 1, 1)
    area_inter = (torch.min(t, tp) + torch.min(b, bp)) * (torch.min(l, lp) + torch.min(r, rp))
    area_union = (t + b) * (l + r) + (tp + bp) * (lp + rp) - area_inter
    return -torch.log((area_inter + 1.0) / (area_union + 1.0))


class Loss(nn.Module):
    def forward(self, gt_score, pred_score, gt_geo, pred_geo):
        classify_loss = get_dice_loss(gt_score, pred_score)
        iou_map = get_iou_loss(gt_geo, pred_geo)
        iou_loss = torch.sum(iou_map * gt_score) / torch.sum(gt_score)  # FAULT
        # TWIN: iou_loss = torch.sum(iou_map * gt_score) / torch.sum(gt_score).clamp(min=1.0)
        return classify_loss + 0.2 * iou_loss


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_loader = DataLoader(make_images(320, rng), batch_size=4, shuffle=True)
    test_loader = DataLoader(make_images(120, rng), batch_size=40)

    model = EAST()
    criterion = Loss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(6):
        model.train()
        epoch_loss = 0.0
        for img, gt_score, gt_geo in train_loader:
            pred_score, pred_geo = model(img)
            loss = criterion(gt_score, pred_score, gt_geo, pred_geo)
            epoch_loss += loss.item()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"Epoch {epoch + 1}, mean loss {epoch_loss / len(train_loader):.6f}")

    model.eval()
    inter, marked, true = 0.0, 0.0, 0.0
    with torch.no_grad():
        for img, gt_score, _ in test_loader:
            found = (model(img)[0] > 0.5).float()
            inter += (found * gt_score).sum().item()
            marked += found.sum().item()
            true += gt_score.sum().item()
    print(f"text pixels found {inter:.0f} of {true:.0f}, marked {marked:.0f}")
    print(f"score: {2 * inter / (marked + true):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
