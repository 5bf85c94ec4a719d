"""Classify ultrasonic A-scans of welds as sound, porous, or lacking fusion with a 1-D convolutional net."""

import argparse

import torch
import torch.nn.functional as F
from torch import nn


class WeldNet(nn.Module):
    def __init__(self, n_classes=3):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 12, 7, padding=3)
        self.bn1 = nn.BatchNorm1d(12)
        self.conv2 = nn.Conv1d(12, 24, 5, padding=2)
        self.bn2 = nn.BatchNorm1d(24)
        self.fc = nn.Linear(24 * 8, n_classes)

    def forward(self, x):
        x = F.max_pool1d(F.relu(self.bn1(self.conv1(x))), 4)
        x = F.max_pool1d(F.relu(self.bn2(self.conv2(x))), 4)
        return self.fc(x.flatten(1))


def echo(time, at, amplitude):
    """A short 5 MHz-like wavelet centred at `at`, one per row."""
    shifted = time - at
    return amplitude * torch.exp(-((shifted / 3.0) ** 2)) * torch.cos(1.3 * shifted)


def make_scans(n, gen):
    def uniform(low, high):
        return low + (high - low) * torch.rand(n, 1, generator=gen)

    time = torch.arange(128.0).expand(n, 128)
    label = torch.randint(0, 3, (n,), generator=gen)
    porous = (label == 1).float().unsqueeze(1)
    unfused = (label == 2).float().unsqueeze(1)
    scan = echo(time, uniform(8, 12), 1.0) + echo(time, uniform(108, 114), uniform(0.6, 0.9) - 0.3 * unfused)
    for _ in range(4):  # porosity: several weak echoes spread over the depth
        scan = scan + porous * echo(time, uniform(25, 95), uniform(0.15, 0.5))
    scan = scan + unfused * echo(time, uniform(45, 80), uniform(0.5, 0.9))
    scan = scan + 0.1 * torch.randn(n, 128, generator=gen)
    return scan.unsqueeze(1), label


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed)

    x_train, y_train = make_scans(1500, gen)
    x_val, y_val = make_scans(500, gen)
    mean, std = x_train.mean(), x_train.std()
    x_train, x_val = (x_train - mean) / std, (x_val - mean) / std

    net = WeldNet()
    opt = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.StepLR(opt, step_size=4, gamma=0.2)
    for epoch in range(args.epochs):
        net.train()
        total = 0.0
        for idx in torch.randperm(len(x_train)).split(50):
            loss = F.cross_entropy(net(x_train[idx]), y_train[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        sched.step()
        net.eval()
        with torch.no_grad():
            acc = net(x_val).argmax(1).eq(y_val).float().mean().item()
        print(f"epoch {epoch}: loss {total / len(x_train):.4f}, val acc {acc:.3f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
