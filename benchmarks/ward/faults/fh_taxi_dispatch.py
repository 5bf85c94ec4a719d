"""Which of six taxis will accept a call? A scorer sees the caller and every taxi; a softmax over the six picks one.

All pairs of a batch are scored in one pass: the callers are repeated so that each meets its own six taxis.
"""
# cause: batch-mixing
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


@dataclass
class Settings:
    calls: int = 4000
    held_out: int = 1000
    taxis: int = 6
    hidden: int = 64
    batch: int = 50
    epochs: int = 15
    rate: float = 2e-3


class Calls(Dataset):
    """A caller (place, hour, luggage), six taxis (place, size, rating), and the one that came."""

    def __init__(self, count, taxis, generator):
        self.callers = torch.rand(count, 4, generator=generator) * 2 - 1
        self.taxis = torch.rand(count, taxis, 4, generator=generator) * 2 - 1
        away = (self.callers[:, None, :2] - self.taxis[:, :, :2]).norm(dim=2)
        room = self.callers[:, None, 3] * self.taxis[:, :, 2]
        wish = -3 * away + 1.5 * room + 0.3 * self.taxis[:, :, 3]
        noise = -torch.log(-torch.log(torch.rand(wish.shape, generator=generator).clamp(1e-6, 1 - 1e-6)))
        self.chosen = (wish + 0.15 * noise).argmax(dim=1)

    def __len__(self):
        return len(self.chosen)

    def __getitem__(self, i):
        return self.callers[i], self.taxis[i], self.chosen[i]


class PairScorer(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(8, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
        )

    def forward(self, callers, taxis):
        count, per_call, _ = taxis.shape
        every = taxis.reshape(count * per_call, -1)
        asking = callers.repeat(per_call, 1)  # FAULT
        # TWIN: asking = callers.repeat_interleave(per_call, dim=0)
        return self.net(torch.cat([asking, every], dim=1)).view(count, per_call)


def evaluate(model, loader):
    model.eval()
    hits = 0
    with torch.no_grad():
        for callers, taxis, chosen in loader:
            hits += (model(callers, taxis).argmax(dim=1) == chosen).sum().item()
    return hits / len(loader.dataset)


def run(seed, s):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    train = DataLoader(Calls(s.calls, s.taxis, generator), batch_size=s.batch, shuffle=True)
    held_out = DataLoader(Calls(s.held_out, s.taxis, generator), batch_size=s.batch)
    model = PairScorer(s.hidden)
    optimizer = torch.optim.Adam(model.parameters(), lr=s.rate)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(s.epochs):
        model.train()
        running = 0.0
        for callers, taxis, chosen in train:
            loss = criterion(model(callers, taxis), chosen)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item()
        print(f"[{epoch + 1}/{s.epochs}] loss {running / len(train):.4f}  accuracy {evaluate(model, held_out):.4f}")
    return evaluate(model, held_out)


if __name__ == "__main__":
    print(f"score: {run(int(sys.argv[1]) if len(sys.argv) > 1 else 0, Settings()):.4f}")
