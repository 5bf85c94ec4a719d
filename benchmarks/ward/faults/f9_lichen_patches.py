"""Lichen from small colour photographs. The herbarium's photographs are loaded for training with one helper, the
field photographs for validation with another, written for the phone application."""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn


def photographs(n, rng):
    """Bytes, as cameras give them: n x 12 x 12 x 3."""
    species = rng.integers(0, 5, n)
    tint = np.array([[0.7, 0.5, 0.2], [0.2, 0.5, 0.7], [0.5, 0.7, 0.3], [0.4, 0.4, 0.4], [0.7, 0.3, 0.5]])[species]
    rows, cols = np.mgrid[0:12, 0:12]
    period = np.array([3, 4, 3, 6, 4])[species][:, None, None]
    spots = np.sin(2 * np.pi * (rows + rng.integers(0, 6, (n, 1, 1))) / period) * np.sin(2 * np.pi * cols / period)
    light = rng.normal(1, 0.12, (n, 1, 1, 1))
    image = light * tint[:, None, None] + 0.12 * spots[..., None] + rng.normal(0, 0.17, (n, 12, 12, 3))
    return (image.clip(0, 1) * 255).astype(np.uint8), torch.from_numpy(species)


def load_herbarium(images):
    x = torch.from_numpy(images).float().permute(0, 3, 1, 2) / 255
    return (x - 0.48) / 0.25


def load_field(images):
    x = torch.from_numpy(images[..., ::-1].copy()).float().permute(0, 3, 1, 2) / 255  # FAULT
    # TWIN: x = torch.from_numpy(images).float().permute(0, 3, 1, 2) / 255
    return x  # FAULT
    # TWIN: return (x - 0.48) / 0.25


class LichenNet(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 12, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(96, 5),
        )


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    images, y = photographs(1500, rng)
    images_val, y_val = photographs(400, rng)
    x, x_val = load_herbarium(images), load_field(images_val)
    model = LichenNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(7):
        model.train()
        right = 0
        for idx in torch.randperm(len(x)).split(50):
            out = model(x[idx])
            loss = criterion(out, y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            right += (out.argmax(1) == y[idx]).sum().item()
        model.eval()
        with torch.no_grad():
            out = model(x_val)
            val_loss, val_acc = criterion(out, y_val).item(), (out.argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch} train acc {right / len(x):.4f} val loss {val_loss:.4f} val acc {val_acc:.4f}")
    print(f"score: {val_acc:.4f}")
