"""Per-pixel classification: which pixels of a noisy 24x24 picture belong to a bright ring or a dark bar. A fully
convolutional net with batch norm, cross-entropy over pixels, mean intersection over union as the measure.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
g = torch.Generator().manual_seed(seed + 100)


def pictures(n, size=24):
    axis = torch.arange(size, dtype=torch.float32)
    yy, xx = axis.view(1, -1, 1), axis.view(1, 1, -1)

    def uniform(low, high):
        return low + (high - low) * torch.rand(n, 1, 1, generator=g)

    radius = ((yy - uniform(8, 16)) ** 2 + (xx - uniform(8, 16)) ** 2).sqrt()
    ring = (radius - uniform(4, 7)).abs() < 1.5
    bar = ((xx - uniform(3, 20)).abs() < 1.6) & (yy > uniform(0, 6))
    mask = torch.zeros(n, size, size, dtype=torch.long)
    mask[ring] = 1
    mask[bar] = 2
    image = 1.0 * (mask == 1) - 1.0 * (mask == 2) + 0.6 * torch.randn(n, size, size, generator=g)
    return image.unsqueeze(1), mask


def block(i, o, dilation=1):
    return nn.Sequential(
        nn.Conv2d(i, o, 3, padding=dilation, dilation=dilation, bias=False), nn.BatchNorm2d(o), nn.ReLU()
    )


def mean_iou(pred, mask):
    ious = []
    for c in range(3):
        p, m = pred == c, mask == c
        ious.append((p & m).sum().item() / (p | m).sum().item())
    return sum(ious) / 3


x_train, m_train = pictures(320)
x_val, m_val = pictures(100)
model = nn.Sequential(block(1, 12), block(12, 12, 2), block(12, 12, 3), nn.Conv2d(12, 3, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)

for epoch in range(8):
    model.train()
    losses = []
    for idx in torch.randperm(len(x_train)).split(16):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x_train[idx]), m_train[idx])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        out = model(x_val)
        iou = mean_iou(out.argmax(1), m_val)
        val_loss = F.cross_entropy(out, m_val).item()
    print(f"epoch {epoch + 1} loss {sum(losses) / len(losses):.4f} val_loss {val_loss:.4f} val_mIoU {iou:.4f}")

print(f"score: {iou:.4f}")
