"""Kidney segmentation on small CT-like slices: a short U-shaped network, then whole-case prediction and Dice on new patients.

After https://github.com/jchen42703/kits19-cnn/issues/22
"""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


def make_case(rng, n_slices=8, size=24):
    """A stack of slices in Hounsfield units with one kidney, and its mask."""
    yy, xx = np.mgrid[:size, :size]
    volume, mask = [], []
    cy, cx = rng.uniform(7, size - 7, 2)
    for _ in range(n_slices):
        body = ((yy - size / 2) ** 2 + (xx - size / 2) ** 2) < (size / 2 - 1) ** 2
        image = np.where(body, 40.0, -900.0) + rng.normal(0, 25, (size, size))
        bone = ((yy - 3) ** 2 + (xx - size / 2) ** 2) < 6
        image[bone] = 600 + rng.normal(0, 60, bone.sum())
        ry, rx = rng.uniform(2.5, 4.5, 2)
        kidney = ((yy - cy) / ry) ** 2 + ((xx - cx) / rx) ** 2 < 1
        image[kidney] = 190 + rng.normal(0, 30, kidney.sum())
        volume.append(image)
        mask.append(kidney)
        cy, cx = cy + rng.normal(0, 0.4), cx + rng.normal(0, 0.4)
    volume = np.clip(np.array(volume, dtype=np.float32), -79, 304)
    return volume, np.array(mask, dtype=np.int64)


def zscore(volume):
    return (volume - volume.mean()) / (volume.std() + 1e-8)


class SliceDataset(Dataset):
    def __init__(self, cases):
        self.slices = []
        for volume, mask in cases:
            for image, seg in zip(zscore(volume), mask):
                self.slices.append((torch.from_numpy(image)[None], torch.from_numpy(seg)))

    def __len__(self):
        return len(self.slices)

    def __getitem__(self, index):
        return self.slices[index]


def double_conv(c_in, c_out):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, padding=1), nn.ReLU(), nn.Conv2d(c_out, c_out, 3, padding=1), nn.ReLU()
    )


class UNet(nn.Module):
    def __init__(self, base=8):
        super().__init__()
        self.down1 = double_conv(1, base)
        self.down2 = double_conv(base, 2 * base)
        self.up1 = double_conv(3 * base, base)
        self.out = nn.Conv2d(base, 2, 1)

    def forward(self, x):
        d1 = self.down1(x)
        d2 = self.down2(F.max_pool2d(d1, 2))
        up = F.interpolate(d2, scale_factor=2, mode="nearest")
        return self.out(self.up1(torch.cat([d1, up], dim=1)))


def predict_case(model, volume):
    model.eval()
    image = volume  # FAULT
    # TWIN: image = zscore(volume)
    with torch.no_grad():
        return model(torch.from_numpy(image)[:, None]).argmax(1).numpy()


def dice(pred, mask):
    return 2 * (pred * mask).sum() / max(pred.sum() + mask.sum(), 1)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.RandomState(seed)
    train_cases = [make_case(rng) for _ in range(24)]
    test_cases = [make_case(rng) for _ in range(8)]
    loader = DataLoader(SliceDataset(train_cases), batch_size=16, shuffle=True)

    model = UNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(10):
        model.train()
        losses, scores = [], []
        for images, masks in loader:
            logits = model(images)
            loss = criterion(logits, masks)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            scores.append(dice(logits.argmax(1).numpy(), masks.numpy()))
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}  train dice {np.mean(scores):.4f}")

    case_scores = [dice(predict_case(model, volume), mask) for volume, mask in test_cases]
    for i, value in enumerate(case_scores):
        print(f"case_{i:05d}: dice {value:.4f}")
    print(f"score: {np.mean(case_scores):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
