"""Rock type at every depth of a borehole from three logs (gamma ray, density, resistivity): dilated 1-d convolutions.

Padded depths (the holes are not equally deep) are left out of the loss by a mask, hence the loss by hand.
"""
# cause: summed-loss
# accept: learning-rate-too-high
# kind: dynamic

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

ROCKS = 5
DEPTHS = 72
CENTRES = np.array([[-1.2, 0.4, 0.6], [-0.3, -0.8, 0.2], [0.4, 0.9, -0.6], [1.1, -0.2, 0.9], [0.3, 0.2, -1.2]])


def drill(count, rng):
    logs = np.zeros((count, 3, DEPTHS), dtype=np.float32)
    rocks = np.zeros((count, DEPTHS), dtype=np.int64)
    mask = np.zeros((count, DEPTHS), dtype=np.float32)
    for hole in range(count):
        length = rng.integers(44, DEPTHS + 1)
        depth = 0
        while depth < length:
            end = min(length, depth + rng.integers(5, 16))
            rock = rng.integers(ROCKS)
            rocks[hole, depth:end] = rock
            logs[hole, :, depth:end] = CENTRES[rock][:, None]
            depth = end
        logs[hole, :, :length] += rng.normal(scale=0.75, size=(3, length))
        mask[hole, :length] = 1.0
    return torch.from_numpy(logs), torch.from_numpy(rocks), torch.from_numpy(mask)


class Block(nn.Module):
    def __init__(self, width, dilation):
        super().__init__()
        self.norm = nn.GroupNorm(4, width)
        self.wide = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.narrow = nn.Conv1d(width, width, 1)

    def forward(self, x):
        return x + self.narrow(F.relu(self.wide(F.relu(self.norm(x)))))


class LayerNet(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.first = nn.Conv1d(3, width, 5, padding=2)
        self.blocks = nn.Sequential(*[Block(width, d) for d in (1, 2, 4)])
        self.last = nn.Conv1d(width, ROCKS, 1)

    def forward(self, logs):
        return self.last(F.relu(self.blocks(self.first(logs))))


def masked_loss(logits, rocks, mask):
    each = F.cross_entropy(logits, rocks, reduction="none")
    return (each * mask).sum()  # FAULT
    # TWIN: return (each * mask).sum() / mask.sum()


@torch.no_grad()
def share_right(net, logs, rocks, mask):
    net.eval()
    right = (net(logs).argmax(1) == rocks).float() * mask
    return (right.sum() / mask.sum()).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--lr", type=float, default=0.05)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    logs, rocks, mask = drill(600, rng)
    held_out = drill(150, rng)

    net = LayerNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
    for epoch in range(1, args.epochs + 1):
        net.train()
        for chosen in torch.randperm(len(logs)).split(args.batch):
            optimizer.zero_grad()
            loss = masked_loss(net(logs[chosen]), rocks[chosen], mask[chosen])
            loss.backward()
            optimizer.step()
        schedule.step()
        print(f"{epoch:3d}  last loss {loss.item():10.4f}  held-out {share_right(net, *held_out):.3f}")
    print(f"score: {share_right(net, *held_out):.4f}")


if __name__ == "__main__":
    main()
