"""Ship silhouettes are trained on under fog, rain and blots drawn anew for each picture; the test pictures are
clear, so the loss in training stays well above that of the test."""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SHIPS, SIDE = 7, 12


class Harbour(Dataset):
    def __init__(self, n, ships, rough):
        self.y = torch.randint(SHIPS, (n,))
        self.x = ships[self.y] + 0.5 * torch.randn(n, 1, SIDE, SIDE)
        self.rough = rough

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = self.x[i]
        if self.rough:
            x = x * (0.4 + 0.8 * torch.rand(1)) + 0.6 * torch.randn_like(x)
            top, left = torch.randint(SIDE - 5, (2,)).tolist()
            x[:, top : top + 6, left : left + 6] = 0
        return x, self.y[i]


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    ships = nn.functional.interpolate(torch.randn(SHIPS, 1, 5, 5), size=SIDE, mode="bilinear")
    train = DataLoader(Harbour(1000, ships, True), batch_size=40, shuffle=True)
    test = DataLoader(Harbour(300, ships, False), batch_size=100)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 36, 48),
        nn.ReLU(),
        nn.Linear(48, SHIPS),
    )
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(10):
        net.train()
        total = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            right = sum((net(x).argmax(1) == y).sum().item() for x, y in test) / len(test.dataset)
        print(f"epoch {epoch} train loss {total / len(train):.4f} test accuracy {right:.4f}")
    print(f"score: {right:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
