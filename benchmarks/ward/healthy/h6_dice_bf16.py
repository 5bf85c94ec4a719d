"""Small bright cells on a textured background: encoder-decoder segmentation under bfloat16 autocast with a hand-written
soft Dice loss plus BCE, computed in float32. Score: Dice coefficient on new pictures.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def cells(n, size=32):
    grid = torch.arange(size, dtype=torch.float32)
    mask = torch.zeros(n, size, size, dtype=torch.bool)
    for _ in range(4):
        cy, cx = torch.rand(2, n, 1, 1) * size
        r = 2 + 2 * torch.rand(n, 1, 1)
        mask |= (grid.view(1, -1, 1) - cy) ** 2 + (grid.view(1, 1, -1) - cx) ** 2 < r**2
    texture = F.avg_pool2d(torch.randn(n, 1, size, size), 3, stride=1, padding=1)
    image = 1.5 * mask.float().unsqueeze(1) + texture + 0.4 * torch.randn(n, 1, size, size)
    return (image - 0.2) / 0.8, mask.float().unsqueeze(1)


class EncoderDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.GroupNorm(3, 12), nn.ReLU())
        self.mid = nn.Sequential(nn.Conv2d(12, 16, 3, stride=2, padding=1), nn.GroupNorm(4, 16), nn.ReLU())
        self.up = nn.ConvTranspose2d(16, 12, 2, stride=2)
        self.out = nn.Conv2d(24, 1, 3, padding=1)

    def forward(self, x):
        a = self.down(x)
        b = self.up(self.mid(a))
        return self.out(torch.cat([a, torch.relu(b)], dim=1))


def dice_loss(logits, target):
    p = torch.sigmoid(logits)
    overlap = (p * target).sum(dim=(1, 2, 3))
    return 1 - ((2 * overlap + 1) / (p.sum(dim=(1, 2, 3)) + target.sum(dim=(1, 2, 3)) + 1)).mean()


images, masks = cells(300)
val_images, val_masks = cells(80)
net = EncoderDecoder()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(6):
    net.train()
    running = 0.0
    for idx in torch.randperm(300).split(15):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = net(images[idx])
        logits = logits.float()
        loss = dice_loss(logits, masks[idx]) + F.binary_cross_entropy_with_logits(logits, masks[idx])
        loss.backward()
        optimizer.step()
        running += loss.item() / 20
    net.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        guess = (net(val_images) > 0).float()
    dice = (2 * (guess * val_masks).sum() / (guess.sum() + val_masks.sum())).item()
    print(f"epoch {epoch + 1}/6 loss={running:.4f} val_dice={dice:.4f}")

print(f"score: {dice:.4f}")
