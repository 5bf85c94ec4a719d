"""Faulty jars on a belt: 2 in 100; a focal-like wrapper around the loss is chosen in the options."""
# cause: class-imbalance
# kind: dynamic

import argparse

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def plain(logits, target):
    return F.binary_cross_entropy_with_logits(logits, target)  # FAULT
    # TWIN: return F.binary_cross_entropy_with_logits(logits, target, pos_weight=torch.tensor(40.0))


def label_smoothed(logits, target, eps=0.05):
    return F.binary_cross_entropy_with_logits(logits, target * (1 - eps) + eps / 2)


OBJECTIVES = dict(plain=plain, smooth=label_smoothed)


def belt(n, rng):
    y = (rng.random(n) < 0.025).astype(np.float32)
    x = rng.normal(size=(n, 12)).astype(np.float32)
    x[:, 0] += 1.4 * y
    x[:, 3] -= 1.2 * y
    x[:, 7] += 1.0 * y
    return torch.from_numpy(x), torch.from_numpy(y)


class Inspector:
    def __init__(self, args):
        self.net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
        self.objective = OBJECTIVES[args.objective]
        self.opt, self.sched = self.configure_optimizers(args)

    def configure_optimizers(self, args):
        opt = torch.optim.Adam(self.net.parameters(), lr=args.lr)
        return opt, torch.optim.lr_scheduler.StepLR(opt, 6, 0.5)

    def training_epoch(self, x, y, size=128):
        for rows in torch.randperm(len(x)).split(size):
            logits = self.net(x[rows]).squeeze(1)
            loss = self.objective(logits, y[rows])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
        self.sched.step()
        return loss.item()

    @torch.no_grad()
    def balanced_accuracy(self, x, y):
        said = self.net(x).squeeze(1) > 0
        return 0.5 * (said[y == 1].float().mean() + (~said[y == 0]).float().mean()).item()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--objective", choices=OBJECTIVES, default="plain")
    parser.add_argument("--lr", type=float, default=3e-3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    x, y = belt(8000, rng)
    inspector = Inspector(args)
    for epoch in range(15):
        print(epoch, inspector.training_epoch(x, y))
    print(f"score: {inspector.balanced_accuracy(*belt(4000, rng)):.4f}")
