"""U-Net for binary segmentation of cars in small grey images, trained on our own pictures and masks (saved as 8-bit
black-and-white PNGs) in the manner of the Carvana repository, with the Dice coefficient on a validation set.

After https://github.com/milesial/Pytorch-UNet/issues/78
"""
# cause: unscaled-targets
# accept: loss-output-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

SIZE = 32


def load_dataset(rng, count):
    yy, xx = np.mgrid[0:SIZE, 0:SIZE]
    images = np.zeros((count, SIZE, SIZE), dtype=np.uint8)
    masks = np.zeros((count, SIZE, SIZE), dtype=np.uint8)
    for i in range(count):
        cy, cx = rng.uniform(10, 22, 2)
        h, w = rng.uniform(4, 7), rng.uniform(6, 11)
        body = (np.abs(yy - cy) < h / 2) & (np.abs(xx - cx) < w)
        cabin = (np.abs(yy - cy + h * 0.6) < h / 2) & (np.abs(xx - cx) < w * 0.55)
        car = body | cabin
        ground = 90 + 40 * np.sin(xx / 5 + rng.uniform(0, 6)) + rng.uniform(-20, 20)
        picture = np.where(car, ground + rng.uniform(40, 70), ground) + rng.normal(0, 18, (SIZE, SIZE))
        images[i] = np.clip(picture, 0, 255)
        masks[i] = car * 255
    return images, masks


def double_conv(in_ch, out_ch):
    return nn.Sequential(
        nn.Conv2d(in_ch, out_ch, 3, padding=1),
        nn.BatchNorm2d(out_ch),
        nn.ReLU(inplace=True),
        nn.Conv2d(out_ch, out_ch, 3, padding=1),
        nn.BatchNorm2d(out_ch),
        nn.ReLU(inplace=True),
    )


class UNet(nn.Module):
    def __init__(self, n_channels=1, n_classes=1, width=8):
        super().__init__()
        self.inc = double_conv(n_channels, width)
        self.down1 = double_conv(width, width * 2)
        self.down2 = double_conv(width * 2, width * 4)
        self.pool = nn.MaxPool2d(2)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.up1 = double_conv(width * 6, width * 2)
        self.up2 = double_conv(width * 3, width)
        self.outc = nn.Conv2d(width, n_classes, 1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down1(self.pool(x1))
        x3 = self.down2(self.pool(x2))
        x = self.up1(torch.cat([self.up(x3), x2], dim=1))
        x = self.up2(torch.cat([self.up(x), x1], dim=1))
        return self.outc(x)


def normalize(x):
    return x / 255


def eval_net(net, images, masks):
    """Dice coefficient averaged over the validation images."""
    net.eval()
    with torch.no_grad():
        predicted = (torch.sigmoid(net(images))[:, 0] > 0.5).float()
    true = (masks[:, 0] > 0).float()
    overlap = (predicted * true).sum((1, 2))
    return (2 * overlap / (predicted.sum((1, 2)) + true.sum((1, 2)) + 1e-4)).mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    images, masks = load_dataset(rng, 260)
    images = torch.from_numpy(normalize(images.astype(np.float32))).unsqueeze(1)
    masks = torch.from_numpy(masks.astype(np.float32)).unsqueeze(1)  # FAULT
    # TWIN: masks = torch.from_numpy(normalize(masks.astype(np.float32))).unsqueeze(1)
    train_x, train_y, val_x, val_y = images[:200], masks[:200], images[200:], masks[200:]

    net = UNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=0.0005)
    criterion = nn.BCEWithLogitsLoss()
    batch_size = 10

    for epoch in range(4):
        net.train()
        epoch_loss = 0.0
        order = torch.randperm(len(train_x))
        for i in range(0, len(order), batch_size):
            index = order[i : i + batch_size]
            masks_pred_flat = net(train_x[index]).view(-1)
            true_masks_flat = train_y[index].view(-1)
            loss = criterion(masks_pred_flat, true_masks_flat)
            epoch_loss += loss.item()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"Epoch finished ! Loss: {epoch_loss / (len(order) / batch_size):.4f}")
        print(f"Validation Dice Coeff: {eval_net(net, val_x, val_y):.4f}")

    print(f"score: {eval_net(net, val_x, val_y):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
