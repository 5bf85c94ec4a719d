"""Digits MLP with SGD and Nesterov momentum, minibatches cut by hand from a random permutation. The learning rate is
divided by ten for the last third of training (MultiStepLR).
"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


def load(seed):
    digits = load_digits()
    x = digits.data.astype(np.float32)
    y = digits.target
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(x))
    x, y = x[order], y[order]
    mean, std = x[:1300].mean(), x[:1300].std()
    x = torch.from_numpy((x - mean) / std)
    y = torch.from_numpy(y).long()
    return x[:1300], y[:1300], x[1300:], y[1300:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=50)
    parser.add_argument("--lr", type=float, default=0.05)
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    x_train, y_train, x_test, y_test = load(args.seed)

    net = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 10))
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9, nesterov=True)
    sched = torch.optim.lr_scheduler.MultiStepLR(opt, milestones=[2 * args.epochs // 3], gamma=0.1)

    for epoch in range(args.epochs):
        perm = torch.randperm(len(x_train))
        total = 0.0
        for i in range(0, len(perm), args.batch_size):
            idx = perm[i : i + args.batch_size]
            loss = F.cross_entropy(net(x_train[idx]), y_train[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        sched.step()
        if epoch % 3 == 2:
            with torch.no_grad():
                test_loss = F.cross_entropy(net(x_test), y_test).item()
            print(f"[{epoch + 1}/{args.epochs}] train {total / len(perm):.4f} test {test_loss:.4f}")

    with torch.no_grad():
        acc = net(x_test).argmax(1).eq(y_test).float().mean().item()
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
