"""Bat species from short sonograms that are slow to load: every loaded batch is used three times, newly disturbed."""

import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

SPECIES, BANDS, FRAMES, ECHOES = 5, 16, 24, 3


class Sonograms(Dataset):
    """Reads (here: draws) a call by its number; the species differ in sweep and curvature."""

    def __init__(self, numbers):
        self.numbers = numbers

    def __len__(self):
        return len(self.numbers)

    def __getitem__(self, i):
        g = torch.Generator().manual_seed(int(self.numbers[i]))
        species = int(torch.randint(SPECIES, (1,), generator=g))
        t = torch.linspace(-1, 1, FRAMES)
        sweep = [5.0, 2.0, -2.0, -5.0, 0.0][species] * (1 + 0.15 * torch.randn(1, generator=g))
        bend = [0.0, 3.0, 3.0, 0.0, -3.0][species] + 0.5 * torch.randn(1, generator=g)
        centre = BANDS / 2 + torch.randn(1, generator=g)
        ridge = centre + sweep * t + bend * (t**2 - 0.33)
        bands = torch.arange(BANDS).unsqueeze(1)
        call = 2.5 * torch.exp(-((bands - ridge) ** 2) / 2) + 0.5 * torch.randn(BANDS, FRAMES, generator=g)
        return (call - 0.4).unsqueeze(0), species


def disturb(calls):
    """Shift in time, louder or softer, noise, and a band left out."""
    calls = torch.roll(calls, int(torch.randint(-4, 5, (1,))), dims=3)
    calls = calls * (0.7 + 0.6 * torch.rand(len(calls), 1, 1, 1)) + 0.5 * torch.randn_like(calls)
    masked = (torch.arange(BANDS) == torch.randint(BANDS, (len(calls), 1))).view(len(calls), 1, BANDS, 1)
    return calls.masked_fill(masked, 0.0)


class BatNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 5, padding=2)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)
        self.fc = nn.Linear(24 * 4 * 6, SPECIES)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    numbers = torch.randperm(10**6)[:1400]
    train_loader = DataLoader(Sonograms(numbers[:1000]), batch_size=50, shuffle=True)
    test_loader = DataLoader(Sonograms(numbers[1000:]), batch_size=100)
    net = BatNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
    epochs = 6
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)

    for epoch in range(epochs):
        net.train()
        losses = []
        for calls, species in train_loader:
            for _ in range(ECHOES):
                optimizer.zero_grad()
                loss = F.cross_entropy(net(disturb(calls)), species)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
        scheduler.step()
        net.eval()
        with torch.no_grad():
            right = [(net(calls).argmax(1) == species).float() for calls, species in test_loader]
        accuracy = torch.cat(right).mean().item()
        print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.3f}, test accuracy {accuracy:.3f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
