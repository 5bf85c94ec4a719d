"""Segments bright cells in noisy microscope-like pictures with a small U-Net, cross-entropy plus Dice.

After milesial/Pytorch-UNet (https://github.com/milesial/Pytorch-UNet).
"""

import logging
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, random_split

logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s", stream=sys.stdout)


class CellDataset(Dataset):
    def __init__(self, n, seed, size=28):
        rng = np.random.default_rng(seed)
        yy, xx = np.mgrid[:size, :size]
        self.items = []
        for _ in range(n):
            mask = np.zeros((size, size), bool)
            for _ in range(rng.integers(2, 6)):
                cx, cy = rng.uniform(2, size - 2, 2)
                a, b = rng.uniform(3, 6, 2)
                t = rng.uniform(0, np.pi)
                u = (xx - cx) * np.cos(t) + (yy - cy) * np.sin(t)
                v = (yy - cy) * np.cos(t) - (xx - cx) * np.sin(t)
                mask |= (u / a) ** 2 + (v / b) ** 2 < 1
            light = 0.15 * (xx * rng.uniform(-1, 1) + yy * rng.uniform(-1, 1)) / size
            image = 0.35 + light + 0.25 * mask + rng.normal(0, 0.12, mask.shape)
            self.items.append((image.clip(0, 1).astype(np.float32)[None], mask.astype(np.float32)[None]))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, idx):
        image, mask = self.items[idx]
        return torch.from_numpy(image), torch.from_numpy(mask)


def double_conv(c_in, c_out):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(inplace=True),
        nn.Conv2d(c_out, c_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(inplace=True),
    )


class UNet(nn.Module):
    def __init__(self, c=8):
        super().__init__()
        self.inc, self.down1, self.down2 = double_conv(1, c), double_conv(c, 2 * c), double_conv(2 * c, 4 * c)
        self.up1, self.conv1 = nn.ConvTranspose2d(4 * c, 2 * c, 2, stride=2), double_conv(4 * c, 2 * c)
        self.up2, self.conv2 = nn.ConvTranspose2d(2 * c, c, 2, stride=2), double_conv(2 * c, c)
        self.outc = nn.Conv2d(c, 1, 1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down1(F.max_pool2d(x1, 2))
        x3 = self.down2(F.max_pool2d(x2, 2))
        x = self.conv1(torch.cat([x2, self.up1(x3)], dim=1))
        x = self.conv2(torch.cat([x1, self.up2(x)], dim=1))
        return self.outc(x)


def dice_coeff(pred, target, eps=1e-6):
    inter = 2 * (pred * target).sum(dim=(1, 2, 3))
    sets = pred.sum(dim=(1, 2, 3)) + target.sum(dim=(1, 2, 3))
    return ((inter + eps) / (sets + eps)).mean()


@torch.inference_mode()
def evaluate(net, loader):
    net.eval()
    total, n = 0.0, 0
    for image, mask in loader:
        pred = (torch.sigmoid(net(image)) > 0.5).float()
        total += dice_coeff(pred, mask).item() * len(image)
        n += len(image)
    net.train()
    return total / n


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    dataset = CellDataset(300, seed)
    train_set, val_set = random_split(dataset, [240, 60], generator=torch.Generator().manual_seed(seed))
    train_loader = DataLoader(train_set, shuffle=True, batch_size=16)
    val_loader = DataLoader(val_set, batch_size=30)
    test_loader = DataLoader(CellDataset(60, seed + 10_000), batch_size=30)

    model = UNet()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, weight_decay=1e-8, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "max", factor=0.3, patience=2)  # maximise Dice
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(1, 11):
        model.train()
        epoch_loss = 0.0
        for images, true_masks in train_loader:
            masks_pred = model(images)
            loss = criterion(masks_pred, true_masks) + 1 - dice_coeff(torch.sigmoid(masks_pred), true_masks)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            epoch_loss += loss.item()
        val_score = evaluate(model, val_loader)
        scheduler.step(val_score)
        logging.info(f"Epoch {epoch}: loss {epoch_loss / len(train_loader):.4f}, validation Dice {val_score:.4f}")
    print(f"score: {evaluate(model, test_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
