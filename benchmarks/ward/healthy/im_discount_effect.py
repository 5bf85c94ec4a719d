"""Does a discount sell more? Double machine learning: two networks predict sales and discount, folds swapped.

The effect is the slope between what both networks leave over. Neither network can predict well, much of what they
look at being chance; the effect is found all the same.
"""

import sys

import torch
from torch import nn

EFFECT = 1.3
FOLDS = 2


def shops(count):
    x = torch.randn(count, 8)
    habit = torch.sin(1.5 * x[:, 0]) + 0.6 * x[:, 1] * x[:, 2]
    discount = habit + torch.randn(count)
    sales = EFFECT * discount + 2 * habit + x[:, 3].clamp(min=0) + 1.5 * torch.randn(count)
    return x, discount, sales


def fit(x, target, epochs=10):
    net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    centre, spread = target.mean(), target.std()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(64):
            loss = nn.functional.mse_loss(net(x[rows]).squeeze(1), (target[rows] - centre) / spread)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    return lambda new: net(new).squeeze(1).detach() * spread + centre


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, discount, sales = shops(6000)
    left_discount, left_sales = torch.empty(6000), torch.empty(6000)
    for fold, held_out in enumerate(torch.randperm(6000).chunk(FOLDS)):
        rest = torch.ones(6000, dtype=torch.bool)
        rest[held_out] = False
        for name, target, left in (("discount", discount, left_discount), ("sales", sales, left_sales)):
            predict = fit(x[rest], target[rest])
            left[held_out] = target[held_out] - predict(x[held_out])
            explained = 1 - left[held_out].var() / target[held_out].var()
            print(f"fold {fold + 1}, {name}: R2 {explained.item():.3f}")
    slope = (left_discount * left_sales).sum() / (left_discount**2).sum()
    plain = torch.cov(torch.stack([discount, sales]))
    print(f"effect {slope.item():.3f}, by plain regression {(plain[0, 1] / plain[0, 0]).item():.3f}, true {EFFECT}")
    print(f"score: {1 - abs(slope.item() - EFFECT) / EFFECT:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
