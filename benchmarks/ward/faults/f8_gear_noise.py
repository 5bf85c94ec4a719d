"""The wear of a gear from 32 measures of its noise, a residual net of sixteen blocks without normalization, as the
target chip has none."""
# cause: exploding-gradient
# accept: bad-initialization
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

BLOCKS, WIDTH, EPOCHS = 16, 32, 15


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.one, self.two = nn.Linear(width, width), nn.Linear(width, width)
        for layer in (self.one, self.two):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        y = self.two(torch.relu(self.one(x)))
        return x + y  # FAULT
        # TWIN: return x + 0.1 * y


class WearNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(*[Block(WIDTH) for _ in range(BLOCKS)])
        self.out = nn.Linear(WIDTH, 1)

    def forward(self, x):
        return self.out(self.blocks(x)).squeeze(1)


def gears(n, w):
    x = torch.randn(n, WIDTH)
    wear = torch.relu(x @ w[0]) @ w[1]
    return x, (wear - wear.mean()) / wear.std() + 0.2 * torch.randn(n)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    w = torch.randn(WIDTH, 6) / WIDTH**0.5, torch.randn(6)
    x, y = gears(3000, w)
    x_test, y_test = x[2500:], y[2500:]
    loader = DataLoader(TensorDataset(x[:2500], y[:2500]), batch_size=50, shuffle=True)
    model = WearNet()
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        for batch, target in loader:
            loss = criterion(model(batch), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            error = criterion(model(x_test), y_test).item()
        print(f"epoch {epoch} train {total / len(loader):.4f} test {error:.4f}")
    r2 = 1 - error / y_test.var().item()
    print(f"score: {max(r2, -10.0) if r2 == r2 else -10.0:.4f}")


main()
