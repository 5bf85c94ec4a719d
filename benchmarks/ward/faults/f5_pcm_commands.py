"""Recognises five tone commands in short 16-bit PCM recordings with a small 1-D conv net.

Fault: the int16 samples are only cast to float (range +-32768), never divided by 32768.
"""
# cause: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Recordings(Dataset):
    def __init__(self, n, rng):
        t = np.arange(256) / 2000.0
        self.labels = rng.integers(0, 5, n)
        pitch = np.array([110, 180, 270, 380, 500])[self.labels] * rng.uniform(0.93, 1.07, n)
        sweep = 1 + 0.25 * t / t[-1] * rng.choice([-0.3, 0.3], n)[:, None]
        wave = np.sin(2 * np.pi * pitch[:, None] * sweep * t + rng.uniform(0, 6.28, n)[:, None])
        wave = 0.45 * wave * rng.uniform(0.7, 1.3, (n, 1)) + 0.15 * rng.standard_normal((n, 256))
        self.pcm = np.clip(wave * 32768, -32768, 32767).astype(np.int16)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        samples = self.pcm[i].astype(np.float32)  # FAULT
        # TWIN: samples = self.pcm[i].astype(np.float32) / 32768.0
        return torch.from_numpy(samples).unsqueeze(0), int(self.labels[i])


class CommandNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 16, 16, stride=4)
        self.conv2 = nn.Conv1d(16, 32, 5, stride=2)
        self.fc1 = nn.Linear(32, 32)
        self.fc2 = nn.Linear(32, 5)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x)).mean(dim=2)
        return self.fc2(F.relu(self.fc1(x)))


def accuracy(model, loader):
    model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in loader:
            correct += model(x).argmax(dim=1).eq(y).sum().item()
    return correct / len(loader.dataset)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train = DataLoader(Recordings(1500, rng), batch_size=32, shuffle=True)
    test = DataLoader(Recordings(400, rng), batch_size=100)
    model = CommandNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(8):
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        print(f"Epoch {epoch}: last batch loss {loss.item():.4f}, test accuracy {accuracy(model, test):.4f}")
    print(f"score: {accuracy(model, test):.4f}")


if __name__ == "__main__":
    main()
