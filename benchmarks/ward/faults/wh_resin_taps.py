"""Species of a tree by the resin's spectrum: train and test have a transform each, kept in a dict by split."""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def to_tensor(x):
    return torch.as_tensor(x, dtype=torch.float32)


def snv(x):
    """Standard normal variate: each spectrum by its own mean and deviation."""
    return (x - x.mean()) / x.std()


TRANSFORMS = {
    "train": [snv, to_tensor],
    "test": [to_tensor],  # FAULT
    # TWIN: "test": [snv, to_tensor],
}


class Spectra(Dataset):
    def __init__(self, split, size, seed):
        rng = np.random.default_rng(seed)
        self.species = rng.integers(0, 6, size)
        bands = np.linspace(0, 1, 40)
        peaks = np.random.default_rng(11).uniform(0.1, 0.9, (6, 3))[self.species][:, :, None]
        clean = np.exp(-((bands - peaks) ** 2) / 0.004).sum(1)
        light = rng.uniform(3, 9, (size, 1))
        self.curves = light * (2 + clean + 0.25 * rng.normal(size=(size, 40)))
        self.transforms = TRANSFORMS[split]

    def __len__(self):
        return len(self.species)

    def __getitem__(self, i):
        x = self.curves[i]
        for transform in self.transforms:
            x = transform(x)
        return x, self.species[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 16, 5, padding=2)
        self.fc = nn.Linear(16 * 20, 6)

    def forward(self, x):
        x = nn.functional.max_pool1d(torch.relu(self.conv(x[:, None])), 2)
        return self.fc(x.flatten(1))


def accuracy(net, loader):
    with torch.no_grad():
        return np.mean([(net(x).argmax(1) == y).float().mean().item() for x, y in loader])


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)
train = DataLoader(Spectra("train", 1200, seed), batch_size=40, shuffle=True)
test = DataLoader(Spectra("test", 400, seed + 1), batch_size=100)
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(10):
    for x, y in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
    print(epoch, accuracy(net, test))
print(f"score: {accuracy(net, test):.4f}")
