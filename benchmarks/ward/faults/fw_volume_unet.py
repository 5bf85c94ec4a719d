"""3D U-Net for bright cell bodies in microscope stacks. The stacks are large, so one goes through the network at a time.

After https://github.com/wolny/pytorch-3dunet/issues/53
"""
# cause: batch-norm-tiny-batch
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn


class StackDataset(torch.utils.data.Dataset):
    """Stacks of 6 x 16 x 16 voxels with ellipsoid cells; exposure and stain vary from stack to stack."""

    def __init__(self, rng, n):
        zz, yy, xx = np.mgrid[0:6, 0:16, 0:16]
        self.raw, self.label = [], []
        for _ in range(n):
            mask = np.zeros((6, 16, 16), bool)
            for _ in range(rng.integers(3, 10)):
                cz, cy, cx = rng.uniform(0, 6), rng.uniform(1, 15), rng.uniform(1, 15)
                r = rng.uniform(2, 4)
                mask |= ((zz - cz) * 1.6) ** 2 + (yy - cy) ** 2 + (xx - cx) ** 2 < r * r
            exposure, offset = np.exp(rng.normal(0, 0.8)), rng.normal(0, 1.5)
            stack = offset + exposure * (mask + 0.35 * rng.standard_normal(mask.shape))
            self.raw.append(torch.tensor(stack, dtype=torch.float32)[None])
            self.label.append(torch.tensor(mask, dtype=torch.float32)[None])

    def __len__(self):
        return len(self.raw)

    def __getitem__(self, i):
        return self.raw[i], self.label[i]


def conv_block(in_channels, out_channels):
    layers = []
    for channels in (in_channels, out_channels):
        layers.append(nn.Conv3d(channels, out_channels, 3, padding=1, bias=False))
        layers.append(nn.BatchNorm3d(out_channels))  # FAULT
        # TWIN: layers.append(nn.GroupNorm(2, out_channels))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


class UNet3D(nn.Module):
    def __init__(self, f_maps=8):
        super().__init__()
        self.encoder1 = conv_block(1, f_maps)
        self.encoder2 = conv_block(f_maps, 2 * f_maps)
        self.pool = nn.MaxPool3d(2)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.decoder = conv_block(3 * f_maps, f_maps)
        self.final_conv = nn.Conv3d(f_maps, 1, 1)

    def forward(self, x):
        skip = self.encoder1(x)
        x = self.up(self.encoder2(self.pool(skip)))
        return self.final_conv(self.decoder(torch.cat([skip, x], 1)))


class UNet3DTrainer:
    def __init__(self, model, loaders, max_epochs):
        self.model, self.loaders, self.max_epochs = model, loaders, max_epochs
        self.loss_criterion = nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-5)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, max_epochs - 2, 0.2)

    def fit(self):
        for epoch in range(self.max_epochs):
            loss = self.train()
            self.scheduler.step()
            val_loss, iou = self.validate()
            print(f"epoch {epoch}: training loss {loss:.4f}  validation loss {val_loss:.4f}  mean IoU {iou:.4f}")
        return iou

    def train(self):
        self.model.train()
        losses = []
        for raw, label in self.loaders["train"]:
            loss = self.loss_criterion(self.model(raw), label)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        return np.mean(losses)

    def validate(self):
        self.model.eval()
        losses, ious = [], []
        with torch.no_grad():
            for raw, label in self.loaders["val"]:
                output = self.model(raw)
                losses.append(self.loss_criterion(output, label).item())
                predicted, truth = output > 0, label > 0.5
                ious.append((predicted & truth).sum().item() / max((predicted | truth).sum().item(), 1))
        return np.mean(losses), np.mean(ious)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    loaders = {
        "train": torch.utils.data.DataLoader(StackDataset(rng, 40), batch_size=1, shuffle=True),
        "val": torch.utils.data.DataLoader(StackDataset(rng, 25), batch_size=1),
    }
    trainer = UNet3DTrainer(UNet3D(), loaders, max_epochs=6)
    print(f"score: {trainer.fit():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
