"""Reads the time off pictures of clock faces: a small CNN gives cosine and sine of both hands, trained with L1."""

import math
import sys
from dataclasses import dataclass

import torch
from torch import nn

SIDE = 24


@dataclass
class Options:
    seed: int = 0
    pictures: int = 2400
    batch: int = 40
    epochs: int = 8
    lr: float = 2e-3


def hand(angle, length, rows, cols):
    """A soft stroke from the centre; angles run clockwise from the top."""
    dx, dy = angle.sin().view(-1, 1, 1), -angle.cos().view(-1, 1, 1)
    along = (cols * dx + rows * dy).clamp(0, length)
    gap = (cols - along * dx) ** 2 + (rows - along * dy) ** 2
    return torch.exp(-gap / 0.008)


def clocks(n, generator):
    axis = torch.linspace(-1, 1, SIDE)
    rows, cols = axis.view(1, SIDE, 1), axis.view(1, 1, SIDE)
    minutes = 720 * torch.rand(n, generator=generator)
    short, long = 2 * math.pi * minutes / 720, 2 * math.pi * (minutes % 60) / 60
    ink = 1.3 * hand(short, 0.45, rows, cols) + hand(long, 0.9, rows, cols)
    picture = ink + 0.15 * torch.randn(n, SIDE, SIDE, generator=generator)
    target = torch.stack([short.cos(), short.sin(), long.cos(), long.sin()], dim=1)
    return ((picture - 0.2) / 0.4).unsqueeze(1), target


def conv(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))


def mean_cosine(model, x, target):
    """One for hands read exactly, zero for guesses."""
    model.eval()
    with torch.no_grad():
        guess = model(x).view(-1, 2, 2)
    return torch.cosine_similarity(guess, target.view(-1, 2, 2), dim=2).mean().item()


def main(opt):
    torch.set_num_threads(1)
    torch.manual_seed(opt.seed)
    generator = torch.Generator().manual_seed(opt.seed)
    x, target = clocks(opt.pictures, generator)
    x_test, target_test = clocks(400, generator)
    model = nn.Sequential(conv(1, 12), conv(12, 24), nn.Flatten(), nn.Linear(24 * 36, 96), nn.ReLU(), nn.Linear(96, 4))
    criterion = nn.L1Loss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=opt.lr, weight_decay=0.01)
    steps = opt.epochs * (opt.pictures // opt.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, opt.lr, total_steps=steps)
    for epoch in range(opt.epochs):
        model.train()
        losses = []
        for rows in torch.randperm(opt.pictures).split(opt.batch):
            loss = criterion(model(x[rows]), target[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        cosine = mean_cosine(model, x_test, target_test)
        print(f"{epoch + 1:2d} L1 {sum(losses) / len(losses):.4f}  test cosine {cosine:.4f}")
    print(f"score: {cosine:.4f}")


if __name__ == "__main__":
    main(Options(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0))
