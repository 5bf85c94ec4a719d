"""Snow depth on a grid of 16 by 16 fields from height and wind, a small convolutional net. The first version of the
loss gave numbers too small to read in the log."""
# cause: summed-loss
# accept: learning-rate-too-high exploding-gradient
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn, optim

SIDE = 16


def valley(n):
    """Maps of height and wind, and the snow that drifts to the lee."""
    rough = torch.randn(n, 2, SIDE // 4 + 1, SIDE // 4 + 1)
    maps = F.interpolate(rough, size=(SIDE, SIDE), mode="bilinear", align_corners=True) / 0.68
    height, wind = maps[:, :1], maps[:, 1:]
    slope = height - height.roll(1, dims=3)
    snow = torch.tanh(height) + 2 * torch.relu(slope) + 0.5 * wind
    return maps, (snow - snow.mean()) / snow.std() + 0.2 * torch.randn(n, 1, SIDE, SIDE)


class SnowNet(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.a = nn.Conv2d(2, width, 3, padding=1)
        self.b = nn.Conv2d(width, width, 3, padding=1)
        self.c = nn.Conv2d(width, 1, 1)

    def forward(self, maps):
        x = F.relu(self.a(maps))
        x = F.relu(self.b(x))
        return self.c(x)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    maps, snow = valley(400)
    maps_test, snow_test = valley(100)
    net = SnowNet()
    optimizer = optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, 12)
    criterion = nn.MSELoss(reduction="sum")  # FAULT
    # TWIN: criterion = nn.MSELoss()
    for epoch in range(12):
        net.train()
        for rows in torch.randperm(len(maps)).split(10):
            optimizer.zero_grad()
            loss = criterion(net(maps[rows]), snow[rows])
            loss.backward()
            optimizer.step()
        scheduler.step()
        net.eval()
        with torch.no_grad():
            error = F.mse_loss(net(maps_test), snow_test).item()
        print(f"epoch {epoch} loss {loss.item():.4f} test {error:.4f}")
    print(f"score: {max(-10.0, 1 - error / snow_test.var().item()) if error == error else -10.0:.4f}")


main()
