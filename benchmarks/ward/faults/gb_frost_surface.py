"""Surface temperature under a clear sky: the air's, less what is radiated, which is never negative. Score: R2."""
# cause: broadcast-loss
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(2000, 6)
    air = 2 * torch.randn(2000, 1)
    drop = F.softplus(x[:, :1] + x[:, 1:2] * x[:, 2:3])
    surface = air - drop + 0.1 * torch.randn(2000, 1)
    net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), nn.Softplus())
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(20):
        for rows in torch.randperm(1600).split(64):
            loss = F.mse_loss(air[rows] - net(x[rows]).squeeze(1), surface[rows])  # FAULT
            # TWIN: loss = F.mse_loss(air[rows] - net(x[rows]), surface[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        error = (air[1600:] - net(x[1600:]) - surface[1600:]).square().mean()
    print(f"score: {1 - error.item() / (surface - air)[1600:].var().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
