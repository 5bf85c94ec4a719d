"""Counts bubbles (one to six) in noisy pictures by regression: a strided CNN with average pooling at the end, MSE on
the scaled number, rounded for the score.
"""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)


class Bubbles(Dataset):
    def __init__(self, n, seed, size=28):
        g = torch.Generator().manual_seed(seed)
        cells = torch.stack(torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij"), -1).view(-1, 2) * 7.0 + 3.0
        grid = torch.arange(size, dtype=torch.float32)
        self.counts = torch.randint(1, 7, (n,), generator=g)
        self.images = 0.15 * torch.randn(n, 1, size, size, generator=g)
        for i, k in enumerate(self.counts.tolist()):
            places = cells[torch.randperm(16, generator=g)[:k]] + torch.rand(k, 2, generator=g) * 1.6 - 0.8
            d2 = (grid.view(1, -1, 1) - places[:, :1, None]) ** 2 + (grid.view(1, 1, -1) - places[:, 1:, None]) ** 2
            self.images[i, 0] += torch.exp(-d2 / 3.5).sum(0)
        self.images = (self.images - 0.05) / 0.25

    def __len__(self):
        return len(self.counts)

    def __getitem__(self, i):
        return self.images[i], (self.counts[i].float() - 3.5) / 1.7


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 8, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
        )
        self.fc = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.fc(self.conv(x)).squeeze(1)


def train(model, loader, optimizer, loss_fn):
    model.train()
    for x, y in loader:
        loss = loss_fn(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test(model, loader, loss_fn):
    model.eval()
    loss, right = 0.0, 0
    with torch.no_grad():
        for x, y in loader:
            pred = model(x)
            loss += loss_fn(pred, y).item() * len(y)
            right += ((pred - y).abs() * 1.7 < 0.5).sum().item()
    return loss / len(loader.dataset), right / len(loader.dataset)


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    train_loader = DataLoader(Bubbles(1500, seed), batch_size=30, shuffle=True)
    test_loader = DataLoader(Bubbles(400, seed + 1000), batch_size=100)
    model, loss_fn = Counter(), nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
    for t in range(8):
        train(model, train_loader, optimizer, loss_fn)
        scheduler.step()
        test_loss, share = test(model, test_loader, loss_fn)
        print(f"Epoch {t + 1}: avg test loss {test_loss:.4f}, counted right {share:.4f}")
    print(f"score: {share:.4f}")
