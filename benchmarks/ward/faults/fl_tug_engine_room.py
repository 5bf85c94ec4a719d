"""What ails a tug's engine: six gauges, each read by a small network of its own, then one verdict out of five."""
# cause: batch-mixing
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

GAUGES, READINGS, AILMENTS = 6, 10, 5


class EngineLog(Dataset):
    """Every ailment has its own course in each of the gauges, with noise and a level of the day."""

    def __init__(self, n, courses, generator):
        self.ailment = torch.randint(0, AILMENTS, (n,), generator=generator)
        noise = torch.randn(n, GAUGES, READINGS, generator=generator)
        level = 0.5 * torch.randn(n, GAUGES, 1, generator=generator)
        self.gauges = (0.5 * courses[self.ailment] + noise + level) / 1.2

    def __len__(self):
        return len(self.ailment)

    def __getitem__(self, i):
        return self.gauges[i], self.ailment[i]


class EngineNet(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.width = width
        self.readers = nn.ModuleList(nn.Sequential(nn.Linear(READINGS, width), nn.ReLU()) for _ in range(GAUGES))
        self.verdict = nn.Sequential(nn.Linear(GAUGES * width, 32), nn.ReLU(), nn.Linear(32, AILMENTS))

    def forward(self, gauges):
        read = [reader(gauges[:, i]) for i, reader in enumerate(self.readers)]
        together = torch.stack(read)  # FAULT
        # TWIN: together = torch.stack(read, dim=1)
        return self.verdict(together.reshape(len(gauges), GAUGES * self.width))


class Trainer:
    def __init__(self, net, lr):
        self.net = net
        self.optimizer = torch.optim.RMSprop(net.parameters(), lr=lr)

    def epoch(self, loader):
        self.net.train()
        total = 0.0
        for gauges, ailment in loader:
            self.optimizer.zero_grad()
            loss = F.cross_entropy(self.net(gauges), ailment)
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(loader)

    @torch.no_grad()
    def accuracy(self, loader):
        self.net.eval()
        right = sum((self.net(gauges).argmax(1) == ailment).sum().item() for gauges, ailment in loader)
        return right / len(loader.dataset)


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    courses = torch.randn(AILMENTS, GAUGES, READINGS, generator=generator)
    train = DataLoader(EngineLog(2400, courses, generator), batch_size=48, shuffle=True)
    test = DataLoader(EngineLog(800, courses, generator), batch_size=200)
    trainer = Trainer(EngineNet(), lr=1e-3)
    for epoch in range(8):
        loss = trainer.epoch(train)
        print(f"epoch {epoch + 1} loss {loss:.4f} test {trainer.accuracy(test):.4f}")
    print(f"score: {trainer.accuracy(test):.4f}")
