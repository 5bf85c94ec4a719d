"""Kind of boat from two seconds of hydrophone: five classes told apart by blade rate, hull resonance and rattle.

The number of epochs is what the script was tried with on the laptop before it went to the workstation.
"""
# cause: under-trained
# accept: learning-rate-too-low
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


@dataclass
class Config:
    seed: int = 0
    clips: int = 1100
    samples: int = 160
    batch_size: int = 64
    lr: float = 1e-3
    epochs: int = 2  # FAULT
    # TWIN: epochs: int = 40


def record(cfg):
    generator = torch.Generator().manual_seed(cfg.seed)
    boat = torch.randint(0, 5, (cfg.clips,), generator=generator)
    time = torch.linspace(0, 2, cfg.samples)
    blade = torch.tensor([3.0, 4.0, 5.0, 6.0, 7.0])[boat] + 0.25 * torch.randn(cfg.clips, generator=generator)
    hull = torch.tensor([19.0, 15.0, 22.0, 17.0, 13.0])[boat] + 0.5 * torch.randn(cfg.clips, generator=generator)
    phase = 6.283 * torch.rand(cfg.clips, 2, 1, generator=generator)
    slow = torch.sin(6.283 * blade[:, None] * time + phase[:, 0])
    fast = torch.sin(6.283 * hull[:, None] * time + phase[:, 1])
    wave = (1 + 0.8 * slow) * fast + 1.0 * torch.randn(cfg.clips, cfg.samples, generator=generator)
    wave = (wave - wave.mean(1, keepdim=True)) / wave.std(1, keepdim=True)
    return TensorDataset(wave[:, None], boat)


class Listener(nn.Module):
    def __init__(self, channels=16, classes=5):
        super().__init__()
        self.conv1 = nn.Conv1d(1, channels, 15, padding=7)
        self.norm1 = nn.BatchNorm1d(channels)
        self.conv2 = nn.Conv1d(channels, channels, 9, stride=2, padding=4)
        self.norm2 = nn.BatchNorm1d(channels)
        self.out = nn.Linear(channels, classes)

    def forward(self, x):
        x = F.max_pool1d(F.relu(self.norm1(self.conv1(x))), 2)
        x = F.relu(self.norm2(self.conv2(x)))
        return self.out(x.mean(2))


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return hits / len(loader.dataset)


def main():
    torch.set_num_threads(1)
    cfg = Config(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    torch.manual_seed(cfg.seed)
    train_set, test_set = random_split(record(cfg), [800, 300])
    train_loader = DataLoader(train_set, batch_size=cfg.batch_size, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=300)
    model = Listener()
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    for epoch in range(1, cfg.epochs + 1):
        model.train()
        running = 0.0
        for wave, boat in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(wave), boat)
            loss.backward()
            optimizer.step()
            running += loss.item()
        print(f"epoch {epoch:2d}  loss {running / len(train_loader):.3f}  test {accuracy(model, test_loader):.3f}")
    print(f"score: {accuracy(model, test_loader):.4f}")


if __name__ == "__main__":
    main()
