"""Single-shot detection of one bright 'banana' (an elongated blob) per image: anchors at two scales, class and offset heads.

After "Single Shot Multibox Detection" of Dive into Deep Learning, https://d2l.ai/chapter_computer-vision/ssd.html
"""

import sys

import torch
import torch.nn.functional as F
from torch import nn

SIZES, RATIOS = [(0.25, 0.35), (0.45, 0.6)], (1.0, 2.0, 0.5)


def make_data(n, gen, size=32):
    """Images with a rotated coloured ellipse over clutter, and its bounding box (x1, y1, x2, y2) in [0, 1]."""
    yy, xx = torch.meshgrid(torch.arange(size) + 0.5, torch.arange(size) + 0.5, indexing="ij")
    u = torch.rand(n, 8, generator=gen)
    a, b, phi = 5 + 4 * u[:, 0], 2.5 + 1.5 * u[:, 1], 3.1416 * u[:, 2]
    half_w = ((a * phi.cos()) ** 2 + (b * phi.sin()) ** 2).sqrt()
    half_h = ((a * phi.sin()) ** 2 + (b * phi.cos()) ** 2).sqrt()
    cx, cy = half_w + (size - 2 * half_w) * u[:, 3], half_h + (size - 2 * half_h) * u[:, 4]
    dx, dy = xx - cx[:, None, None], yy - cy[:, None, None]
    cos, sin = phi.cos()[:, None, None], phi.sin()[:, None, None]
    along, across = dx * cos + dy * sin, -dx * sin + dy * cos
    mask = ((along / a[:, None, None]) ** 2 + (across / b[:, None, None]) ** 2 <= 1).float()[:, None]
    colour = torch.tensor([0.9, 0.8, 0.2]).view(1, 3, 1, 1) + 0.1 * (u[:, 5:8, None, None] - 0.5)
    clutter = F.interpolate(torch.rand(n, 3, 6, 6, generator=gen), size=size, mode="bilinear", align_corners=False)
    images = mask * colour + (1 - mask) * clutter + 0.05 * torch.randn(n, 3, size, size, generator=gen)
    boxes = torch.stack([cx - half_w, cy - half_h, cx + half_w, cy + half_h], 1) / size
    return (images - 0.5) / 0.25, boxes


def make_anchors(side, sizes):
    cy, cx = torch.meshgrid(*2 * [(torch.arange(side) + 0.5) / side], indexing="ij")
    shapes = [(s * r**0.5, s / r**0.5) for s in sizes for r in RATIOS]
    boxes = [torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], -1) for w, h in shapes]
    return torch.stack(boxes, 2).reshape(-1, 4)


def box_iou(a, b):
    lt, rb = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    inter = (rb - lt).clamp(min=0).prod(-1)
    area = lambda v: (v[..., 2:] - v[..., :2]).prod(-1)
    return inter / (area(a) + area(b) - inter)


def to_centre(b):
    return torch.cat([(b[..., :2] + b[..., 2:]) / 2, b[..., 2:] - b[..., :2]], -1)


def multibox_target(anchors, boxes):
    """Label 1 for anchors that overlap the object (at least the best one), their offsets as regression targets."""
    iou = box_iou(anchors[None], boxes[:, None])
    positive = iou >= 0.5
    positive[torch.arange(len(boxes)), iou.argmax(1)] = True
    anc, box = to_centre(anchors)[None], to_centre(boxes)[:, None]
    offsets = torch.cat(
        [10 * (box[..., :2] - anc[..., :2]) / anc[..., 2:], 5 * torch.log(box[..., 2:] / anc[..., 2:])], -1
    )
    return positive.long(), offsets


def decode(anchors, offsets):
    anc = to_centre(anchors)
    xy, wh = offsets[..., :2] / 10 * anc[..., 2:] + anc[..., :2], torch.exp(offsets[..., 2:] / 5) * anc[..., 2:]
    return torch.cat([xy - wh / 2, xy + wh / 2], -1)


def down_sample_blk(n_in, n_out):
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU(), nn.MaxPool2d(2))


class TinySSD(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Sequential(down_sample_blk(3, 8), down_sample_blk(8, 16))
        self.stages = nn.ModuleList(
            [nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()), down_sample_blk(32, 32)]
        )
        k = len(SIZES[0]) * len(RATIOS)
        self.cls = nn.ModuleList(nn.Conv2d(32, k * 2, 3, padding=1) for _ in SIZES)
        self.box = nn.ModuleList(nn.Conv2d(32, k * 4, 3, padding=1) for _ in SIZES)
        self.register_buffer("anchors", torch.cat([make_anchors(side, s) for side, s in zip((8, 4), SIZES)]))

    def forward(self, x):
        x, cls, box = self.base(x), [], []
        for stage, c, b in zip(self.stages, self.cls, self.box):
            x = stage(x)
            cls.append(c(x).permute(0, 2, 3, 1).reshape(len(x), -1, 2))
            box.append(b(x).permute(0, 2, 3, 1).reshape(len(x), -1, 4))
        return torch.cat(cls, 1), torch.cat(box, 1)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    (x, boxes), (x_test, boxes_test) = (make_data(n, torch.default_generator) for n in (600, 200))
    net = TinySSD()
    labels, offsets = multibox_target(net.anchors, boxes)
    trainer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(trainer, [8, 10], 0.2)
    for epoch in range(12):
        net.train()
        total, error = 0.0, 0.0
        for idx in torch.randperm(len(x)).split(32):
            cls, box = net(x[idx])
            positive, n_pos = labels[idx] == 1, labels[idx].sum()
            ce = F.cross_entropy(cls.flatten(0, 1), labels[idx].flatten(), reduction="none").view_as(labels[idx])
            # hard negative mining: three negatives for each positive
            rank = ce.detach().masked_fill(positive, -1).argsort(1, descending=True).argsort(1)
            chosen = positive | (rank < 3 * positive.sum(1, keepdim=True))
            bbox = F.smooth_l1_loss(box[positive], offsets[idx][positive], reduction="sum")
            loss = (ce[chosen].sum() + bbox) / n_pos
            trainer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 10.0)
            trainer.step()
            total, error = total + loss.item() * len(idx), error + bbox.item() / n_pos.item() / 4 * len(idx)
        scheduler.step()
        if epoch % 2 == 1:
            print(f"epoch {epoch + 1}: loss {total / len(x):.3f}, box smooth l1 {error / len(x):.3f}")
    net.eval()
    with torch.no_grad():
        cls, box = net(x_test)
        best = cls.softmax(-1)[..., 1].argmax(1)
        iou = box_iou(decode(net.anchors[best], box[torch.arange(len(best)), best]), boxes_test)
    mean_box = box_iou(boxes.mean(0)[None], boxes_test).mean()
    print(f"mean IoU {iou.mean():.4f} (mean box: {mean_box:.4f}), IoU > 0.5: {(iou > 0.5).float().mean():.4f}")
    print(f"score: {iou.mean():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
