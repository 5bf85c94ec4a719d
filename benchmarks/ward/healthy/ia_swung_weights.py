"""Stochastic weight averaging over the last epochs, with the statistics of batch norm renewed at the end."""

import sys

import torch
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS, SWA_FROM = 12, 7


def bottles(n, centres):
    y = torch.randint(len(centres), (n,))
    return TensorDataset(centres[y] + torch.randn(n, 18), y)


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        return sum((model(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    centres = 0.75 * torch.randn(8, 18)
    train = DataLoader(bottles(1600, centres), batch_size=40, shuffle=True)
    test = DataLoader(bottles(500, centres), batch_size=250)
    model = nn.Sequential(nn.Linear(18, 48, bias=False), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 8))
    averaged = AveragedModel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    swa = SWALR(optimizer, swa_lr=0.02, anneal_epochs=2)
    for epoch in range(EPOCHS):
        model.train()
        for x, y in train:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch >= SWA_FROM:
            averaged.update_parameters(model)
            swa.step()
        print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy(model, test):.4f}")
    update_bn(train, averaged)
    print(f"score: {accuracy(averaged, test):.4f}")
