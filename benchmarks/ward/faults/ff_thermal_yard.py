"""Tells what stands in a freight yard at night (nothing, person, car, dog) from frames of a thermal camera.

The camera gives centikelvins. The preprocessing is the one of our daylight camera, whose frames came as floats
between 0 and 1 and were clipped to that interval after sharpening.
"""
# cause: constant-inputs
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

KINDS = ("nothing", "person", "car", "dog")
SIZE = 20
COLDEST, WARMEST = 27000.0, 31500.0


def shoot(rng, kind):
    """One raw frame in centikelvins."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    frame = 28200 + rng.uniform(-300, 300) + 15 * rows * rng.uniform(-1, 1) + rng.normal(scale=180, size=(SIZE, SIZE))
    if kind > 0:
        height, width = ((4.5, 1.6), (2.6, 5.0), (1.4, 2.2))[kind - 1]
        height, width = height * rng.uniform(0.8, 1.2), width * rng.uniform(0.8, 1.2)
        row, column = rng.uniform(5, SIZE - 5, size=2)
        inside = ((rows - row) / height) ** 2 + ((columns - column) / width) ** 2
        frame += rng.uniform(900, 2200) * np.exp(-(inside**2))
    return frame


def sharpen(frame):
    blurred = frame.copy()
    blurred[1:-1, 1:-1] = (frame[:-2, 1:-1] + frame[2:, 1:-1] + frame[1:-1, :-2] + frame[1:-1, 2:]) / 4
    return frame + 0.3 * (frame - blurred)


def preprocess(frame):
    frame = sharpen(frame)
    # TWIN: frame = (frame - COLDEST) / (WARMEST - COLDEST)
    return np.clip(frame, 0.0, 1.0)


class YardFrames(Dataset):
    def __init__(self, count, seed):
        rng = np.random.default_rng(seed)
        self.kinds = rng.integers(0, len(KINDS), size=count)
        frames = np.stack([preprocess(shoot(rng, kind)) for kind in self.kinds])
        self.frames = torch.tensor(frames, dtype=torch.float32).unsqueeze(1)

    def __len__(self):
        return len(self.kinds)

    def __getitem__(self, index):
        return self.frames[index], int(self.kinds[index])


def build():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 25, 32),
        nn.ReLU(),
        nn.Linear(32, len(KINDS)),
    )


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    right = sum((model(frames).argmax(1) == kinds).sum().item() for frames, kinds in loader)
    return right / len(loader.dataset)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    training = DataLoader(YardFrames(1600, seed), batch_size=48, shuffle=True)
    held_out = DataLoader(YardFrames(600, seed + 1000), batch_size=200)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(6):
        model.train()
        total = 0.0
        for frames, kinds in training:
            loss = nn.functional.cross_entropy(model(frames), kinds)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / len(training)
        print(f"epoch {epoch}: loss {total:.4f}, held-out accuracy {accuracy(model, held_out):.3f}")
    print(f"score: {accuracy(model, held_out):.4f}")


if __name__ == "__main__":
    main()
