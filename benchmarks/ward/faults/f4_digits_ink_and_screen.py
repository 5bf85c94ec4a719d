"""Digits: the training pictures become dark ink on white paper, the held-out ones stay bright on black."""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    def __init__(self, images, labels, transform=None):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = torch.tensor(self.images[i], dtype=torch.float32)
        return (self.transform(image) if self.transform else image), int(self.labels[i])


def to_paper(image):
    return 0.5 - image / 16


def to_screen(image):
    return image / 16 - 0.5


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    digits = load_digits()
    order = torch.randperm(len(digits.target)).numpy()
    images, labels = digits.images[order], digits.target[order]
    train = DataLoader(Digits(images[:1400], labels[:1400], to_paper), batch_size=50, shuffle=True)
    valid = DataLoader(Digits(images[1400:], labels[1400:], to_screen), batch_size=100)  # FAULT
    # TWIN: valid = DataLoader(Digits(images[1400:], labels[1400:], to_paper), batch_size=100)

    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(10):
        model.train()
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        val_loss, correct = 0.0, 0
        with torch.no_grad():
            for x, y in valid:
                out = model(x)
                val_loss += criterion(out, y).item() * len(y)
                correct += (out.argmax(1) == y).sum().item()
        acc = correct / len(valid.dataset)
        print(f"epoch {epoch + 1} train {loss.item():.4f} val {val_loss / len(valid.dataset):.4f} acc {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
