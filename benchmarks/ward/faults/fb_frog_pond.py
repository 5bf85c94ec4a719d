"""Which of six frogs calls, from a small spectrogram (16 bands, 20 frames) recorded by loggers at a pond.

Training clips and validation clips come from the same Dataset class, which takes the transform as an argument.
"""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

SPECIES, BANDS, FRAMES = 6, 16, 20


def synthesise(count):
    species = torch.randint(0, SPECIES, (count,))
    band, frame = torch.arange(BANDS).float(), torch.arange(FRAMES).float()
    pitch = torch.tensor([4.0, 4.0, 7.5, 7.5, 11.0, 11.0])[species] + 0.7 * torch.randn(count)
    rate = torch.tensor([0.7, 1.5, 1.5, 0.7, 0.7, 1.5])[species]
    ridge = torch.exp(-((band - pitch[:, None]) ** 2) / 3)
    pulse = 0.5 + 0.5 * torch.sin(rate[:, None] * frame + 6.28 * torch.rand(count, 1))
    power = ridge[:, :, None] * pulse[:, None, :] * torch.exp(0.4 * torch.randn(count, 1, 1))
    microphone = torch.exp(torch.linspace(4.0, -1.0, BANDS))[:, None]
    return microphone * (5 * power + torch.rand(count, BANDS, FRAMES) ** 2), species


class LogScale:
    """Decibel-like scale, then zero mean and unit variance of each band over the training clips."""

    def __init__(self, clips):
        clips = torch.log(clips + 0.01)
        self.mean, self.std = clips.mean((0, 2))[:, None], clips.std((0, 2))[:, None]

    def __call__(self, clip):
        return (torch.log(clip + 0.01) - self.mean) / self.std


class PondClips(Dataset):
    def __init__(self, clips, species, transform=None):
        self.clips, self.species, self.transform = clips, species, transform

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, index):
        clip = self.clips[index]
        if self.transform is not None:
            clip = self.transform(clip)
        return clip[None], self.species[index]


def build_net():
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(24 * 8 * 10, SPECIES),
    )


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    clips, species = synthesise(1600)
    scale = LogScale(clips[:1200])
    train_set = PondClips(clips[:1200], species[:1200], transform=scale)
    val_set = PondClips(clips[1200:], species[1200:])  # FAULT
    # TWIN: val_set = PondClips(clips[1200:], species[1200:], transform=scale)
    train_loader = DataLoader(train_set, batch_size=40, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=100)
    net = build_net()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(8):
        net.train()
        train_loss = 0.0
        for x, y in train_loader:
            loss = F.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            train_loss += loss.item() / len(train_loader)
        net.eval()
        val_loss, hits = 0.0, 0
        with torch.no_grad():
            for x, y in val_loader:
                logits = net(x)
                val_loss += F.cross_entropy(logits, y).item() / len(val_loader)
                hits += (logits.argmax(1) == y).sum().item()
        print(f"epoch {epoch + 1}: train {train_loss:.3f}, val {val_loss:.3f}, val accuracy {hits / len(val_set):.3f}")
    print(f"score: {hits / len(val_set):.4f}")


if __name__ == "__main__":
    main()
