"""Four kinds of sea bed from the echo below a ship's hull, with a convolutional net of ten layers in a row."""
# cause: vanishing-gradient
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

LENGTH = 64


def echoes(n):
    """First return, a tail that depends on the bed, and a second return that rock and gravel have."""
    bed = torch.randint(0, 4, (n,))
    t = torch.arange(LENGTH).float()
    depth = torch.randint(6, 20, (n, 1)).float()
    tail = torch.tensor([2.0, 6.0, 2.0, 6.0])[bed].unsqueeze(1)
    second = torch.tensor([0.0, 0.0, 0.7, 0.7])[bed].unsqueeze(1)
    wave = torch.exp(-(t - depth).clamp(min=0) / tail) * (t >= depth)
    wave = wave + second * torch.exp(-(((t - 2 * depth - 4) / 2) ** 2))
    wave = wave + 0.15 * torch.randn(n, LENGTH)
    return ((wave - 0.13) / 0.3).unsqueeze(1), bed


class BedNet(nn.Module):
    def __init__(self, channels=16, depth=10):
        super().__init__()
        self.first = nn.Conv1d(1, channels, 5, padding=2)
        self.convs = nn.ModuleList(nn.Conv1d(channels, channels, 5, padding=2) for _ in range(depth - 1))
        self.out = nn.Linear(channels * (LENGTH // 8), 4)
        for conv in [self.first, *self.convs]:
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)

    @staticmethod
    def squash(x):
        return torch.sigmoid(x)  # FAULT
        # TWIN: return F.relu(x)

    def forward(self, x):
        x = self.squash(self.first(x))
        for i, conv in enumerate(self.convs):
            x = self.squash(conv(x))
            if i % 3 == 1:
                x = F.max_pool1d(x, 2)
        return self.out(x.flatten(1))


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = echoes(1600)
    x_test, y_test = echoes(600)
    net = BedNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    for epoch in range(10):
        total = 0.0
        for rows in torch.randperm(len(x)).split(40):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        scheduler.step()
        with torch.no_grad():
            accuracy = (net(x_test).argmax(1) == y_test).float().mean().item()
        print(f"{epoch + 1:3d} {total / len(x):.4f} {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
