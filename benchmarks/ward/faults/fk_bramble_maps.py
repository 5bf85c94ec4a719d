"""Marks the brambles in 16x16 drone tiles of three bands, pixel by pixel; the score is the overlap (IoU)."""
# cause: summed-loss
# accept: learning-rate-too-high
# kind: dynamic

import sys

import torch
from torch import nn

HYPER = {"tiles": 600, "batch": 20, "epochs": 8, "lr": 0.05, "momentum": 0.9}


class Segmenter(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.look = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
        self.wide = nn.Sequential(nn.Conv2d(width, width, 3, padding=2, dilation=2), nn.BatchNorm2d(width), nn.ReLU())
        self.mark = nn.Conv2d(2 * width, 1, 1)

    def forward(self, tile):
        near = self.look(tile)
        return self.mark(torch.cat([near, self.wide(near)], dim=1))


def tiles(n):
    grid = torch.arange(16.0)
    yy, xx = torch.meshgrid(grid, grid, indexing="ij")
    mask = torch.zeros(n, 16, 16)
    for _ in range(3):
        cy, cx, r = 16 * torch.rand(n, 1, 1), 16 * torch.rand(n, 1, 1), 2 + 2 * torch.rand(n, 1, 1)
        mask = torch.maximum(mask, ((yy - cy) ** 2 + (xx - cx) ** 2 < r**2).float())
    bands = torch.randn(n, 3, 16, 16) + mask.unsqueeze(1) * torch.tensor([1.2, -0.9, 0.6]).view(1, 3, 1, 1)
    return bands, mask.unsqueeze(1)


def overlap(logits, mask):
    said = logits > 0
    return ((said & (mask > 0.5)).sum() / (said | (mask > 0.5)).sum()).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, mask = tiles(HYPER["tiles"])
    x_val, mask_val = tiles(150)
    model = Segmenter()
    criterion = nn.BCEWithLogitsLoss(reduction="sum")  # FAULT
    # TWIN: criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=HYPER["lr"], momentum=HYPER["momentum"])
    for epoch in range(HYPER["epochs"]):
        model.train()
        running = 0.0
        for rows in torch.randperm(len(x)).split(HYPER["batch"]):
            optimizer.zero_grad()
            loss = criterion(model(x[rows]), mask[rows])
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        with torch.no_grad():
            logits = model(x_val)
        iou = overlap(logits, mask_val)
        print(f"{epoch} train {running:.4f} val {criterion(logits, mask_val).item():.4f} overlap {iou:.4f}")
    print(f"score: {iou:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
