"""Orchid genus from flower measurements: eight ordinary epochs, then the weights are averaged over six more at a
constant high rate, and the batch statistics made anew."""

import sys

import torch
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset


def flowers(n, genera):
    genus = torch.randint(0, len(genera), (n,))
    growth = torch.randn(n, 1)
    x = genera[genus, 0] + growth * genera[genus, 1] + 0.8 * torch.randn(n, 12)
    return x, genus


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    genera = torch.randn(7, 2, 12)
    loader = DataLoader(TensorDataset(*flowers(2500, genera)), batch_size=50, shuffle=True)
    x_val, y_val = flowers(700, genera)
    model = nn.Sequential(
        nn.Linear(12, 48),
        nn.BatchNorm1d(48),
        nn.ReLU(),
        nn.Linear(48, 48),
        nn.BatchNorm1d(48),
        nn.ReLU(),
        nn.Linear(48, 7),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    averaged = AveragedModel(model)
    swa_schedule = SWALR(optimizer, swa_lr=0.05, anneal_epochs=2)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8, eta_min=0.005)
    for epoch in range(14):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        if epoch < 8:
            cosine.step()
        else:
            averaged.update_parameters(model)
            swa_schedule.step()
        print(f"epoch {epoch} loss {loss.item():.4f} last weights {accuracy(model, x_val, y_val):.4f}")
    update_bn(loader, averaged)
    print(f"score: {accuracy(averaged, x_val, y_val):.4f}")
