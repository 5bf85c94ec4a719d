"""Sorts grains of seed into eight varieties from reflectance at forty wavelengths. The board that the sorter runs on
has room for two grains at a time, so the loader here was set to two as well."""
# cause: batch-norm-tiny-batch
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

VARIETIES, BANDS = 8, 40
BATCH = 2  # FAULT
# TWIN: BATCH = 32
EPOCHS = 8


def grains(n, curves, generator):
    """Spectra of n grains: the curve of the variety, a slope of the lamp, noise."""
    variety = torch.randint(VARIETIES, (n,), generator=generator)
    slope = torch.randn(n, 1, generator=generator) * torch.linspace(-1, 1, BANDS)
    noise = 0.9 * torch.randn(n, BANDS, generator=generator)
    return curves[variety] + 0.5 * slope + noise, variety


def layer(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU())


def evaluate(model, loader):
    model.eval()
    right = 0
    with torch.no_grad():
        for spectrum, variety in loader:
            right += (model(spectrum).argmax(1) == variety).sum().item()
    model.train()
    return right / len(loader.dataset)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    curves = torch.randn(VARIETIES, BANDS, generator=generator) * 0.7
    train = DataLoader(TensorDataset(*grains(1000, curves, generator)), batch_size=BATCH, shuffle=True, drop_last=True)
    test = DataLoader(TensorDataset(*grains(500, curves, generator)), batch_size=100)

    model = nn.Sequential(layer(BANDS, 64), layer(64, 64), layer(64, 32), nn.Linear(32, VARIETIES))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        total = 0.0
        for spectrum, variety in train:
            loss = criterion(model(spectrum), variety)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: train loss {total / len(train):.4f}, test accuracy {evaluate(model, test):.4f}")
    print(f"score: {evaluate(model, test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
