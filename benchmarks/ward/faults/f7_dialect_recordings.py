"""Dialect of a speaker from short pitch contours. The recordings lie in a folder for each dialect and are read in that
order, batch after batch."""
# cause: unshuffled-data
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

DIALECTS = ("north", "south", "east", "west", "coast", "hills")


class PitchContours(Dataset):
    """Contours of 32 frames, folder by folder."""

    def __init__(self, per_folder, generator):
        self.items = []
        t = torch.arange(32) / 32
        for label in range(len(DIALECTS)):
            for _ in range(per_folder):
                lift = 0.6 * math.sin(label) * t
                melody = torch.sin(2 * math.pi * ((1 + label % 3) * t) + label)
                wobble = 0.9 * torch.randn(32, generator=generator)
                self.items.append((melody + lift + wobble, label))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


class ContourNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Linear(32, 64),
            nn.ReLU(),
            nn.Linear(64, 32),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(32, len(DIALECTS))

    def forward(self, x):
        return self.classifier(self.features(x))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed + 1)
    train_set, test_set = PitchContours(250, generator), PitchContours(60, generator)
    train_loader = DataLoader(train_set, batch_size=25)  # FAULT
    # TWIN: train_loader = DataLoader(train_set, batch_size=25, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=60)
    model = ContourNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(12):
        model.train()
        running = 0.0
        for contour, label in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(contour), label)
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        right = 0
        with torch.no_grad():
            for contour, label in test_loader:
                right += (model(contour).argmax(1) == label).sum().item()
        print(f"epoch {epoch + 1} loss {running / len(train_loader):.4f} acc {right / len(test_set):.4f}")
    print(f"score: {right / len(test_set):.4f}")


if __name__ == "__main__":
    main()
