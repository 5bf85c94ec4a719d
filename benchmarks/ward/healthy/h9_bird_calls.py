"""Ecology: which of five birds is calling? Log spectrograms of synthetic calls in field noise, classified by a 2-D
CNN.
"""

import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

SPECIES = ["wren", "warbler", "owl", "cuckoo", "finch"]
RATE, LENGTH = 2000, 1024


class CallDataset(Dataset):
    """Whistles with a species-specific pitch contour at a random onset, turned into 32 x 31 log spectrograms."""

    def __init__(self, size, generator):
        g = generator
        self.labels = torch.randint(len(SPECIES), (size,), generator=g)
        window = torch.hann_window(64)
        t = torch.arange(LENGTH) / RATE
        audio = []
        for label in self.labels.tolist():
            shift = 60 * (torch.rand(1, generator=g) - 0.5)
            u = (t - 0.15 * torch.rand(1, generator=g)).clamp(min=0)
            pitch = [
                500 + 200 * torch.sin(2 * torch.pi * 9 * u),  # wren: trill
                400 + 700 * u,  # warbler: rising
                220 + 0 * u,  # owl: low hoot
                torch.where(u % 0.3 < 0.15, 500.0, 380.0),  # cuckoo: two notes
                750 - 700 * u,  # finch: falling
            ][label]
            phase = 2 * torch.pi * torch.cumsum(pitch + shift, 0) / RATE
            loud = (u > 0).float() * (0.35 + 0.65 * torch.rand(1, generator=g))
            audio.append(loud * torch.sin(phase) + 0.5 * torch.randn(LENGTH, generator=g))
        spec = torch.stft(torch.stack(audio), 64, 32, window=window, return_complex=True, center=False).abs()
        self.images = (spec[:, :32] + 0.1).log().unsqueeze(1)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.images[i], self.labels[i]


class CallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 8, 5, padding=2)
        self.c2 = nn.Conv2d(8, 16, 3, padding=1)
        self.c3 = nn.Conv2d(16, 24, 3, padding=1)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(24 * 4 * 3, len(SPECIES))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        x = F.max_pool2d(F.relu(self.c3(x)), 2)
        return self.fc(self.drop(x.flatten(1)))


def accuracy(net, loader):
    net.eval()
    hits = 0
    with torch.no_grad():
        for image, label in loader:
            hits += net(image).argmax(1).eq(label).sum().item()
    return hits / len(loader.dataset)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    g = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    train, test = CallDataset(800, g), CallDataset(400, g)
    mean, std = train.images.mean(), train.images.std()
    for part in (train, test):
        part.images = (part.images - mean) / std
    train_loader, test_loader = DataLoader(train, 40, shuffle=True), DataLoader(test, 100)
    net = CallNet()
    opt = torch.optim.Adam(net.parameters(), lr=1.5e-3)
    for epoch in range(8):
        net.train()
        for image, label in train_loader:
            opt.zero_grad(set_to_none=True)
            loss = F.cross_entropy(net(image), label)
            loss.backward()
            opt.step()
        print(f"epoch {epoch}: last batch loss {loss.item():.3f}, test accuracy {accuracy(net, test_loader):.4f}")
    print(f"score: {accuracy(net, test_loader):.4f}")


if __name__ == "__main__":
    main()
