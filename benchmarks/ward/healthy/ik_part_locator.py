"""Where a part lies in a picture of the conveyor and which of three parts it is: one backbone, a head for the box
(centre and size, smooth L1 on a sigmoid) and a head for the class. Score: share with class and box (IoU > 0.5) right.
"""

import sys

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
SIZE = 32


def conveyor(n):
    axis = (torch.arange(SIZE) + 0.5) / SIZE
    yy, xx = torch.meshgrid(axis, axis, indexing="ij")
    kind = torch.randint(0, 3, (n,))
    w, h = 0.25 + 0.25 * torch.rand(n), 0.25 + 0.25 * torch.rand(n)
    cx, cy = w / 2 + (1 - w) * torch.rand(n), h / 2 + (1 - h) * torch.rand(n)
    u = (xx - cx[:, None, None]) / (w[:, None, None] / 2)
    v = (yy - cy[:, None, None]) / (h[:, None, None] / 2)
    plate = ((u.abs() < 1) & (v.abs() < 1)).float()
    disc = (u**2 + v**2 < 1).float()
    ring = disc * (u**2 + v**2 > 0.3)
    shape = torch.stack([plate, disc, ring])[kind, torch.arange(n)]
    bright = (0.5 + 0.5 * torch.rand(n))[:, None, None]
    belt = 0.15 * torch.sin(20 * xx + 6 * torch.rand(n)[:, None, None])
    image = bright * shape + belt + 0.15 * torch.randn(n, SIZE, SIZE)
    return TensorDataset((image - 0.12) / 0.3, kind, torch.stack([cx, cy, w, h], 1))


class Locator(nn.Module):
    def __init__(self):
        super().__init__()
        channels, layers = [1, 12, 24, 32], []
        for a, b in zip(channels, channels[1:]):
            layers += [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(), nn.MaxPool2d(2)]
        self.backbone = nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 16, 64), nn.ReLU())
        self.kind, self.box = nn.Linear(64, 3), nn.Linear(64, 4)

    def forward(self, image):
        h = self.backbone(image.unsqueeze(1))
        return self.kind(h), torch.sigmoid(self.box(h))


def overlap(a, b):
    low = torch.maximum(a[:, :2] - a[:, 2:] / 2, b[:, :2] - b[:, 2:] / 2)
    high = torch.minimum(a[:, :2] + a[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2)
    both = (high - low).clamp(min=0).prod(1)
    return both / (a[:, 2:].prod(1) + b[:, 2:].prod(1) - both)


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    hits, ious = [], []
    for image, kind, box in loader:
        logits, guess = model(image)
        iou = overlap(guess, box)
        ious.append(iou)
        hits.append((logits.argmax(1) == kind) & (iou > 0.5))
    return torch.cat(hits).float().mean().item(), torch.cat(ious).mean().item()


def main(seed):
    torch.manual_seed(seed)
    train = DataLoader(conveyor(1800), batch_size=32, shuffle=True, drop_last=True)
    val, test = DataLoader(conveyor(300), batch_size=100), DataLoader(conveyor(600), batch_size=100)
    model, epochs = Locator(), 6
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, epochs, power=0.9)
    for epoch in range(epochs):
        model.train()
        sums = torch.zeros(2)
        for image, kind, box in train:
            logits, guess = model(image)
            parts = F.cross_entropy(logits, kind), 10 * F.smooth_l1_loss(guess, box, beta=0.1)
            optimizer.zero_grad()
            sum(parts).backward()
            optimizer.step()
            sums += torch.stack([p.detach() for p in parts])
        scheduler.step()
        (a, b), (hit, iou) = (sums / len(train)).tolist(), evaluate(model, val)
        print(f"[{epoch + 1}] class {a:.3f} box {b:.3f} | val hit {hit:.3f} iou {iou:.3f}")
    print(f"score: {evaluate(model, test)[0]:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
