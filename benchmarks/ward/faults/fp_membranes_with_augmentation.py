"""Segments membranes (thin bright walls) in noisy slices with a small convolutional network. The training stack is cut in
one direction only, so slices are rotated and their contrast is changed at random; test slices come in any direction.

After https://github.com/wolny/pytorch-3dunet/issues/32
"""
# cause: duplicate-augmentation
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIDE = 24
GLOBAL_RANDOM_STATE = np.random.RandomState(47)


def cut_slices(count, rng):
    """Noise, and a few walls that run from top to bottom."""
    raw = rng.normal(0, 0.35, (count, SIDE, SIDE))
    label = np.zeros((count, SIDE, SIDE))
    for i in range(count):
        for x in rng.choice(SIDE, size=rng.integers(2, 5), replace=False):
            label[i, rng.integers(0, 8) : rng.integers(SIDE - 8, SIDE), x] = 1
    return (raw + label * 0.9).astype(np.float32), label.astype(np.float32)


class RandomRotate90:
    def __init__(self, random_state):
        self.random_state = random_state

    def __call__(self, raw, label):
        k = self.random_state.randint(0, 4)
        return np.rot90(raw, k), np.rot90(label, k)


class RandomContrast:
    def __init__(self, random_state, factor=(0.7, 1.4)):
        self.random_state, self.factor = random_state, factor

    def __call__(self, raw, label):
        return raw * self.random_state.uniform(*self.factor), label


class Transformer:
    def __init__(self, seed):
        state = np.random.RandomState(seed)
        self.transforms = [RandomRotate90(state), RandomContrast(state)]

    def __call__(self, raw, label):
        for transform in self.transforms:
            raw, label = transform(raw, label)
        return torch.from_numpy(raw.copy())[None], torch.from_numpy(label.copy())[None]


class SliceDataset(Dataset):
    def __init__(self, raw, label, phase):
        self.raw, self.label, self.phase = raw, label, phase
        self.seed = GLOBAL_RANDOM_STATE.randint(10000000)
        self.transformer = Transformer(self.seed)

    def __len__(self):
        return len(self.raw)

    def __getitem__(self, i):
        if self.phase != "train":
            return torch.from_numpy(self.raw[i]).unsqueeze(0), torch.from_numpy(self.label[i]).unsqueeze(0)
        transformer = Transformer(self.seed)  # FAULT
        # TWIN: transformer = self.transformer
        return transformer(self.raw[i], self.label[i])


class UNet(nn.Module):
    def __init__(self, f=10):
        super().__init__()
        self.enc1 = nn.Sequential(nn.Conv2d(1, f, 3, padding=1), nn.BatchNorm2d(f), nn.ReLU())
        self.enc2 = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(f, 2 * f, 3, padding=1), nn.BatchNorm2d(2 * f), nn.ReLU())
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.dec = nn.Sequential(nn.Conv2d(3 * f, f, 3, padding=1), nn.BatchNorm2d(f), nn.ReLU(), nn.Conv2d(f, 1, 1))

    def forward(self, x):
        e1 = self.enc1(x)
        return self.dec(torch.cat([e1, self.up(self.enc2(e1))], dim=1))


def validate(model, loader):
    model.eval()
    inter = total = 0.0
    with torch.no_grad():
        for raw, label in loader:
            found = (model(raw) > 0).float()
            inter += 2 * (found * label).sum().item()
            total += (found.sum() + label.sum()).item()
    return inter / total


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    GLOBAL_RANDOM_STATE.seed(seed + 47)
    rng = np.random.default_rng(seed)
    train_set = SliceDataset(*cut_slices(160, rng), phase="train")
    raw, label = cut_slices(80, rng)
    turns = rng.integers(4, size=80)
    raw, label = (np.stack([np.rot90(m, k) for m, k in zip(stack, turns)]) for stack in (raw, label))
    train_loader = DataLoader(train_set, batch_size=16, shuffle=True)
    test_loader = DataLoader(SliceDataset(raw, label, phase="test"), batch_size=40)

    model = UNet()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-5)
    dice = 0.0
    for epoch in range(14):
        model.train()
        losses = []
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        dice = validate(model, test_loader)
        print(f"epoch {epoch + 1} train loss {np.mean(losses):.4f} test dice {dice:.4f}")
    print(f"score: {dice:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
