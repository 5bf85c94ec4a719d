"""Ten makers of violins, from twenty acoustic measures. The net was made narrow so that its units could be drawn on a
poster."""
# cause: underfitting
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

UNITS = 1  # FAULT
# TWIN: UNITS = 48
MAKERS = 10


class Violins:
    """A maker has three workshops, each with a sound of its own."""

    def __init__(self):
        self.sounds = torch.randn(MAKERS, 3, 20)

    def record(self, n):
        maker, shop = torch.randint(MAKERS, (n,)), torch.randint(3, (n,))
        return TensorDataset(self.sounds[maker, shop] + 0.6 * torch.randn(n, 20), maker)


def run(seed):
    torch.manual_seed(seed)
    violins = Violins()
    train = DataLoader(violins.record(3000), batch_size=50, shuffle=True)
    val = DataLoader(violins.record(600), batch_size=300)
    model = nn.Sequential(nn.Linear(20, UNITS), nn.ELU(), nn.Linear(UNITS, 48), nn.ELU(), nn.Linear(48, MAKERS))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [7, 10], gamma=0.3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(12):
        model.train()
        total = 0.0
        for x, y in train:
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            outs = [(model(x), y) for x, y in val]
        val_loss = sum(criterion(out, y).item() for out, y in outs) / len(outs)
        accuracy = sum((out.argmax(1) == y).sum().item() for out, y in outs) / len(val.dataset)
        print(f"epoch {epoch} loss {total / len(train):.4f} val {val_loss:.4f} accuracy {accuracy:.4f}")
    return accuracy


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"score: {run(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
