"""Six kiln glazes told apart in photographs of tiles by a small convolutional network.

The photographs for the final check lie in one folder per glaze and are read folder by folder.
"""
# cause: evaluation-in-train-mode
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

GLAZES = 6


def conv(n_in, n_out, stride):
    return [nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()]


def tiles(per_glaze, colours, specks):
    glaze = torch.arange(GLAZES).repeat_interleave(per_glaze)
    n = len(glaze)
    speckle = (torch.rand(n, 1, 12, 12) < specks[glaze].view(n, 1, 1, 1)).float()
    base = colours[glaze].view(n, 3, 1, 1) + 0.25 * torch.randn(n, 3, 1, 1)
    photo = base - 0.8 * speckle + 0.4 * torch.randn(n, 3, 12, 12)
    return TensorDataset(photo, glaze)


@torch.no_grad()
def check(net, folders):
    # TWIN: net.eval()
    right = [(net(photo).argmax(1) == glaze).float() for photo, glaze in folders]
    return torch.cat(right).mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    colours = 0.7 * torch.randn(GLAZES, 3)
    specks = torch.linspace(0.0, 0.5, GLAZES)[torch.randperm(GLAZES)]
    shoot = DataLoader(tiles(200, colours, specks), batch_size=40, shuffle=True)
    folders = DataLoader(tiles(60, colours, specks), batch_size=60)
    net = nn.Sequential(
        *conv(3, 12, 1),
        *conv(12, 16, 2),
        *conv(16, 24, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(24, GLAZES),
    )
    optimizer = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=7 * len(shoot))
    for epoch in range(7):
        net.train()
        total = 0.0
        for photo, glaze in shoot:
            loss = nn.functional.cross_entropy(net(photo), glaze)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item()
        print(f"epoch {epoch + 1} loss {total / len(shoot):.4f} folders {check(net, folders):.4f}")
    print(f"score: {check(net, folders):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
