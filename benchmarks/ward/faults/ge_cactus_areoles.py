"""Four ways cactus spines sit on a rib, told from small grey pictures by a convolutional network."""
# cause: vanishing-gradient
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Areoles(Dataset):
    """Pictures of 20 x 20 with single, double, star or ring-like spines."""

    def __init__(self, count, seed):
        rng = np.random.default_rng(seed)
        self.kind = rng.integers(0, 4, count)
        rows, columns = np.mgrid[0:20, 0:20]
        pictures = []
        for kind in self.kind:
            y, x = rows - rng.uniform(8, 12), columns - rng.uniform(8, 12)
            turn, radius = np.arctan2(y, x) + rng.uniform(0, 6.28), np.hypot(x, y)
            reach = np.exp(-((radius / rng.uniform(5, 7)) ** 4))
            arms = {0: 1, 1: 2, 2: 5}.get(kind, 0)
            shape = np.exp(4 * (np.cos(arms * turn) - 1)) * reach if arms else np.exp(-((radius - 5) ** 2))
            pictures.append(shape * rng.uniform(0.7, 1.3) + rng.normal(0, 0.25, shape.shape))
        self.pictures = torch.tensor(np.array(pictures), dtype=torch.float32).unsqueeze(1)
        self.pictures = (self.pictures - 0.2) / 0.4

    def __len__(self):
        return len(self.kind)

    def __getitem__(self, index):
        return self.pictures[index], int(self.kind[index])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)
        self.fc1 = nn.Linear(24 * 5 * 5, 48)
        self.deep = nn.Sequential(*[m for _ in range(5) for m in (nn.Linear(48, 48), nn.Sigmoid())])  # FAULT
        self.fc2 = nn.Linear(48, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(self.deep(F.relu(self.fc1(x.flatten(1)))))  # FAULT
        # TWIN: return self.fc2(F.relu(self.fc1(x.flatten(1))))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_loader = DataLoader(Areoles(1600, seed), batch_size=32, shuffle=True)
    test_loader = DataLoader(Areoles(400, seed + 1000), batch_size=100)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(8):
        model.train()
        for picture, kind in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(picture), kind)
            loss.backward()
            optimizer.step()
        model.eval()
        correct = 0
        with torch.no_grad():
            for picture, kind in test_loader:
                correct += (model(picture).argmax(1) == kind).sum().item()
        print(f"epoch {epoch + 1}: last loss {loss.item():.4f}, accuracy {correct / 400:.4f}")
    print(f"score: {correct / 400:.4f}")


main()
