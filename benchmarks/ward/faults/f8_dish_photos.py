"""Tells seven dishes apart on small photographs that come as bytes from the canteen's camera. The transform brings them
to the range from 0 to 1."""
# cause: constant-inputs
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

DISHES, SIDE = 7, 16


class Photos(Dataset):
    def __init__(self, n, rng):
        self.label = rng.integers(0, DISHES, n)
        rows, columns = np.mgrid[0:SIDE, 0:SIDE]
        frames = np.empty((n, 3, SIDE, SIDE))
        for i, dish in enumerate(self.label):
            cy, cx = rng.uniform(6, 10, 2)
            radius = 3 + 2 * (dish % 2) + rng.normal(0, 0.3)
            plate = np.exp(-((((rows - cy) ** 2 + (columns - cx) ** 2) / radius**2) ** 2))
            colour = np.array([(dish >> bit & 1) * 0.5 + 0.3 for bit in range(3)])
            frames[i] = 0.2 + plate * colour[:, None, None]
        frames += rng.normal(0, 0.15, frames.shape)
        self.frames = (frames.clip(0, 0.996) * 256).astype(np.uint8)

    def __len__(self):
        return len(self.label)

    def __getitem__(self, i):
        frame = torch.from_numpy(self.frames[i])
        frame = (frame // 255).float()  # FAULT
        # TWIN: frame = frame.float() / 255
        return (frame - 0.35) / 0.25, int(self.label[i])


def make_net():
    layers = []
    for inputs, outputs in [(3, 16), (16, 32)]:
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 16, DISHES))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train = DataLoader(Photos(900, rng), batch_size=30, shuffle=True)
    test = DataLoader(Photos(300, rng), batch_size=100)
    net, criterion = make_net(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
    for epoch in range(8):
        net.train()
        total = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() / len(train)
        net.eval()
        with torch.no_grad():
            right = sum((net(x).argmax(1) == y).sum().item() for x, y in test)
        print(f"[{epoch}] loss {total:.4f} test accuracy {right / len(test.dataset):.4f}")
    print(f"score: {right / len(test.dataset):.4f}")


if __name__ == "__main__":
    main()
