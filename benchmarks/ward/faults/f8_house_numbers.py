"""Reads digits cut from house numbers, which seldom sit in the middle of the frame. The training pictures are shifted
at random; the generator lives in the data set, seeded, so that a run can be repeated."""
# cause: duplicate-augmentation
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

FRAME = 14


class HouseNumbers(Dataset):
    def __init__(self, images, labels, seed):
        self.images, self.labels, self.seed = images, labels, seed
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        rng = np.random.default_rng(self.seed)  # FAULT
        # TWIN: rng = self.rng
        top, left = rng.integers(0, FRAME - 8 + 1, 2)
        frame = rng.normal(0, 0.1, (FRAME, FRAME))
        frame[top : top + 8, left : left + 8] += self.images[i]
        frame = (frame - 0.1) / 0.27
        return torch.tensor(frame, dtype=torch.float32).unsqueeze(0), int(self.labels[i])


def still(images, labels, rng):
    """The test frames, placed once."""
    frames = rng.normal(0, 0.1, (len(images), FRAME, FRAME))
    for frame, image in zip(frames, images, strict=True):
        top, left = rng.integers(0, FRAME - 8 + 1, 2)
        frame[top : top + 8, left : left + 8] += image
    return torch.tensor((frames - 0.1) / 0.27, dtype=torch.float32).unsqueeze(1), torch.tensor(labels)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
digits = load_digits()
images, labels = digits.images / 16, digits.target
order = np.random.default_rng(seed).permutation(len(labels))
train, test = order[:1400], order[1400:]
loader = DataLoader(HouseNumbers(images[train], labels[train], seed), batch_size=40, shuffle=True)
x_test, y_test = still(images[test], labels[test], np.random.default_rng(seed + 1))

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.Conv2d(16, 32, 3, stride=2, padding=1),
    nn.BatchNorm2d(32),
    nn.ReLU(),
    nn.Conv2d(32, 48, 3, padding=1),
    nn.BatchNorm2d(48),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(48 * 49, 10),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(10):
    model.train()
    total = 0.0
    for frames, truth in loader:
        optimizer.zero_grad()
        loss = criterion(model(frames), truth)
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        out = model(x_test)
    accuracy = (out.argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch} train {total / len(loader):.4f} test {criterion(out, y_test):.4f} accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
