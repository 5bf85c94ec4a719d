"""Tell the state of a ball bearing (healthy, inner race, outer race, ball) from 256 samples of vibration."""

import argparse
import math

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)

STATES = ["healthy", "inner", "outer", "ball"]
PERIOD = {1: 19.0, 2: 31.0, 3: 47.0}


def record(n, gen):
    """Shaft hum and noise; a damaged part adds decaying ringing at its own repetition period."""
    t = torch.arange(256.0)
    label = torch.randint(0, 4, (n,), generator=gen)
    phase = torch.rand(n, 1, generator=gen) * 2 * math.pi
    signal = 0.6 * torch.sin(2 * math.pi * t / 64.0 + phase)
    signal = signal + 0.35 * torch.randn(n, 256, generator=gen)
    for state, period in PERIOD.items():
        rows = (label == state).nonzero().squeeze(1)
        jitter = 1 + 0.03 * torch.randn(len(rows), 1, generator=gen)
        offset = torch.rand(len(rows), 1, generator=gen) * period
        since_hit = torch.remainder(t + offset, period * jitter)
        signal[rows] += 1.6 * torch.exp(-since_hit / 5.0) * torch.cos(2 * math.pi * since_hit / 4.0)
    return signal.unsqueeze(1), label


class VibrationNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 12, 9, stride=2, padding=4, bias=False)
        self.bn1 = nn.BatchNorm1d(12)
        self.conv2 = nn.Conv1d(12, 24, 9, stride=2, padding=4, bias=False)
        self.bn2 = nn.BatchNorm1d(24)
        self.conv3 = nn.Conv1d(24, 32, 9, padding=4, bias=False)
        self.bn3 = nn.BatchNorm1d(32)
        self.fc = nn.Linear(32, 4)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.relu(self.bn3(self.conv3(x)))
        return self.fc(x.mean(dim=2))


parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
args = parser.parse_args()

torch.manual_seed(args.seed)
gen = torch.Generator().manual_seed(args.seed + 100)
x_train, y_train = record(1200, gen)
x_test, y_test = record(400, gen)

net = VibrationNet()
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=12)

for epoch in range(12):
    net.train()
    order = torch.randperm(len(x_train))
    total, hits = 0.0, 0
    for idx in order.split(50):
        logits = net(x_train[idx])
        loss = F.cross_entropy(logits, y_train[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
        hits += logits.argmax(1).eq(y_train[idx]).sum().item()
    sched.step()
    print(f"epoch {epoch}: loss {total / 1200:.3f} acc {hits / 1200:.3f}")

net.eval()
with torch.no_grad():
    guess = net(x_test).argmax(1)
for k, name in enumerate(STATES):
    mask = y_test == k
    print(f"{name:8s} recall {(guess[mask] == k).float().mean().item():.3f}")
print(f"score: {(guess == y_test).float().mean().item():.4f}")
