"""Binary segmentation of blob-like bodies in noisy, layered grey images (some images hold none), with a small LinkNet, a
sum of BCE and Dice losses, ReduceLROnPlateau and flip averaging at test time. The mask threshold is chosen on validation images.

After the PyTorch notebooks of Kaggle's "TGS Salt Identification Challenge", https://www.kaggle.com/c/tgs-salt-identification-challenge
"""

import copy
import sys

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import nn
from torch.utils.data import DataLoader, Dataset


def make_images(n, rng, size=24):
    images, masks = [], []
    for i in range(n):
        field = gaussian_filter(rng.normal(size=(size, size)), 4)
        mask = (
            field > np.quantile(field, rng.uniform(0.5, 0.85)) if rng.random() > 0.2 else np.zeros((size, size), bool)
        )
        depth = np.arange(size)[:, None] + 3 * gaussian_filter(rng.normal(size=(1, size)), 3) * 5
        layers = np.sin(2 * np.pi * depth / rng.uniform(4, 7) + rng.uniform(0, 6))
        texture = gaussian_filter(rng.normal(size=(size, size)), 1.0) * 2
        image = np.where(mask, 0.3 + texture, layers) + rng.normal(0, 0.4, (size, size))
        images.append(image)
        masks.append(mask)
    return np.array(images, dtype=np.float32), np.array(masks, dtype=np.float32)


class SaltDataset(Dataset):
    def __init__(self, images, masks, mean, std, augment=False):
        self.images, self.masks, self.augment = (images - mean) / std, masks, augment

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image, mask = self.images[i], self.masks[i]
        if self.augment and torch.rand(()) < 0.5:
            image, mask = image[:, ::-1].copy(), mask[:, ::-1].copy()
        return torch.from_numpy(image)[None], torch.from_numpy(mask)[None]


def conv(n_in, n_out, stride=1):
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True))


class LinkNet(nn.Module):
    def __init__(self, w=10):
        super().__init__()
        self.stem = conv(1, w)
        self.enc1, self.enc2 = conv(w, 2 * w, 2), nn.Sequential(conv(2 * w, 4 * w, 2), conv(4 * w, 4 * w))
        self.up2 = nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), conv(4 * w, 2 * w))
        self.up1 = nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), conv(2 * w, w))
        self.head = nn.Conv2d(w, 1, 1)

    def forward(self, x):
        s0 = self.stem(x)
        s1 = self.enc1(s0)
        return self.head(self.up1(self.up2(self.enc2(s1)) + s1) + s0)


class BCEDiceLoss(nn.Module):
    def __init__(self, smooth=1.0):
        super().__init__()
        self.bce, self.smooth = nn.BCEWithLogitsLoss(), smooth

    def forward(self, logits, target):
        p = logits.sigmoid().flatten(1)
        t = target.flatten(1)
        dice = (2 * (p * t).sum(1) + self.smooth) / (p.sum(1) + t.sum(1) + self.smooth)
        return self.bce(logits, target) + (1 - dice).mean()


@torch.no_grad()
def predict(model, loader, tta=False):
    model.eval()
    probs, masks = [], []
    for x, y in loader:
        p = model(x).sigmoid()
        if tta:
            p = (p + model(x.flip(-1)).sigmoid().flip(-1)) / 2
        probs.append(p)
        masks.append(y)
    return torch.cat(probs), torch.cat(masks)


def mean_iou(probs, masks, threshold):
    """Mean over images; an empty mask counts 1 if nothing is predicted."""
    pred, true = probs > threshold, masks > 0.5
    inter, union = (pred & true).sum((1, 2, 3)).float(), (pred | true).sum((1, 2, 3)).float()
    return torch.where(union == 0, torch.ones_like(union), inter / union.clamp(min=1)).mean().item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    (x, y), (x_val, y_val), (x_test, y_test) = (make_images(n, rng) for n in (400, 100, 120))
    mean, std = x.mean(), x.std()
    train_loader = DataLoader(SaltDataset(x, y, mean, std, augment=True), batch_size=25, shuffle=True)
    val_loader = DataLoader(SaltDataset(x_val, y_val, mean, std), batch_size=50)
    test_loader = DataLoader(SaltDataset(x_test, y_test, mean, std), batch_size=50)
    model, criterion = LinkNet(), BCEDiceLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=1)
    best, best_state = -1.0, None
    for epoch in range(10):
        model.train()
        losses = []
        for images, masks in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(images), masks)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        iou = mean_iou(*predict(model, val_loader), 0.5)
        scheduler.step(iou)
        if iou > best:
            best, best_state = iou, copy.deepcopy(model.state_dict())
        print(f"epoch {epoch} loss {np.mean(losses):.4f} val iou {iou:.4f} lr {optimizer.param_groups[0]['lr']:.1e}")
    model.load_state_dict(best_state)
    probs, masks = predict(model, val_loader, tta=True)
    threshold = max(np.arange(0.3, 0.75, 0.05), key=lambda t: mean_iou(probs, masks, t))
    print(f"threshold {threshold:.2f}")
    print(f"score: {mean_iou(*predict(model, test_loader, tta=True), threshold):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
