"""Hours a parcel is under way, from carrier, depot and customs office, plus weight and distance.

One embedding table per column of codes, looked up by the column's name.
"""
# cause: unregistered-parameters
# accept: parameters-not-in-optimizer
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

CARDINALITY = {"carrier": 60, "depot": 120, "office": 80}
WIDTH = 3


class Parcels(Dataset):
    def __init__(self, n, worlds, generator):
        self.codes = {c: torch.randint(0, k, (n,), generator=generator) for c, k in CARDINALITY.items()}
        self.numbers = torch.randn(n, 2, generator=generator)
        effect = sum(worlds[c][self.codes[c]] for c in CARDINALITY)
        hours = effect + 0.5 * self.numbers[:, 0] + 0.3 * self.numbers[:, 1] * worlds["carrier"][self.codes["carrier"]]
        self.hours = hours + 0.3 * torch.randn(n, generator=generator)

    def __len__(self):
        return len(self.hours)

    def __getitem__(self, i):
        return {c: v[i] for c, v in self.codes.items()}, self.numbers[i], self.hours[i]


class TransitNet(nn.Module):
    def __init__(self):
        super().__init__()
        tables = {column: nn.Embedding(k, WIDTH) for column, k in CARDINALITY.items()}
        self.tables = tables  # FAULT
        # TWIN: self.tables = nn.ModuleDict(tables)
        self.mlp = nn.Sequential(nn.Linear(3 * WIDTH + 2, 32), nn.ReLU(), nn.Dropout(0.05), nn.Linear(32, 1))

    def forward(self, codes, numbers):
        looked_up = [self.tables[column](codes[column]) for column in CARDINALITY]
        return self.mlp(torch.cat([*looked_up, numbers], dim=1)).squeeze(1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(100 + seed)
    worlds = {c: torch.randn(k, generator=generator) for c, k in CARDINALITY.items()}
    train, test = Parcels(5000, worlds, generator), Parcels(1000, worlds, generator)
    mean, std = train.hours.mean(), train.hours.std()
    train.hours, test.hours = (train.hours - mean) / std, (test.hours - mean) / std
    train_loader = DataLoader(train, batch_size=100, shuffle=True)
    test_loader = DataLoader(test, batch_size=500)

    model = TransitNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.8)
    for epoch in range(14):
        model.train()
        losses = []
        for codes, numbers, hours in train_loader:
            loss = F.mse_loss(model(codes, numbers), hours)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        model.eval()
        with torch.no_grad():
            squares = [F.mse_loss(model(codes, numbers), hours).item() for codes, numbers, hours in test_loader]
        test_mse = sum(squares) / len(squares)
        print(f"epoch {epoch + 1}: train {sum(losses) / len(losses):.4f} test {test_mse:.4f}")
    print(f"score: {1 - test_mse / test.hours.var().item():.4f}")


if __name__ == "__main__":
    main()
