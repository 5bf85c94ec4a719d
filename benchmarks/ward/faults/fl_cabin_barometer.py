"""What a lift is doing (up, down, waiting, door gust) from forty readings, in pascal, of the barometer in its cabin."""
# cause: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

DOINGS = ["up", "down", "waiting", "gust"]


class CabinDataset(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.doing = rng.integers(0, len(DOINGS), n)
        start = rng.integers(3, 20, (n, 1))
        t = np.arange(40)
        gone = np.clip(t - start, 0, 16) / 16
        pascal = 101325 + 60 * rng.normal(size=(n, 1)) + 8 * rng.normal(size=(n, 40))
        travel = rng.uniform(60, 160, (n, 1))
        pascal = pascal + travel * gone * np.choose(self.doing, [-1, 1, 0, 0])[:, None]
        gust = 110 * np.sin(1.2 * (t - start)) * ((t >= start) & (t < start + 10))
        self.pascal = pascal + gust * (self.doing == 3)[:, None]

    def __len__(self):
        return len(self.doing)

    def __getitem__(self, i):
        window = self.pascal[i]
        # TWIN: window = (window - 101325) / 90
        return torch.tensor(window, dtype=torch.float32), int(self.doing[i])


class LiftNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(4, 24, batch_first=True)
        self.head = nn.Linear(24, len(DOINGS))

    def forward(self, pascal):
        states, _ = self.gru(pascal.unflatten(1, (10, 4)))
        return self.head(states[:, -1])


def train_one_epoch(model, loader, optimizer, criterion):
    model.train()
    total = 0.0
    for pascal, doing in loader:
        loss = criterion(model(pascal), doing)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    return total / len(loader)


@torch.no_grad()
def validate(model, loader, criterion):
    model.eval()
    loss = right = 0.0
    for pascal, doing in loader:
        out = model(pascal)
        loss += criterion(out, doing).item()
        right += (out.argmax(1) == doing).sum().item()
    return loss / len(loader), right / len(loader.dataset)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train = DataLoader(CabinDataset(2000, seed), batch_size=32, shuffle=True)
    val = DataLoader(CabinDataset(600, seed + 500), batch_size=200)
    model, criterion = LiftNet(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12, eta_min=2e-4)
    for epoch in range(1, 13):
        loss = train_one_epoch(model, train, optimizer, criterion)
        scheduler.step()
        val_loss, accuracy = validate(model, val, criterion)
        print(f"{epoch:2d} loss {loss:.4f} val loss {val_loss:.4f} val accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
