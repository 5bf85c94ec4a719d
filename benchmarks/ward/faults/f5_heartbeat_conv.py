"""Tells eight kinds of heartbeat apart in a short trace with a 1-D convolutional network. The network ends in
nn.Softmax, as the diagram in the paper does, and is trained with nn.NLLLoss, which wants log-probabilities."""
# cause: missing-log
# kind: dynamic

import argparse

import numpy as np
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("seed", type=int, nargs="?", default=0)
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(args.seed)
rng = np.random.default_rng(args.seed)

KINDS = 8
t = np.linspace(0, 1, 64)


def bump(centre, width):
    return np.exp(-((t - centre) ** 2) / (2 * width**2))


def record(kind):
    p, q, s = kind & 1, kind >> 1 & 1, kind >> 2
    shift = rng.uniform(-0.06, 0.06)
    beat = 1.2 * bump(0.45 + shift, 0.05 if q else 0.025)
    beat += (0.35 if p else -0.05) * bump(0.25 + shift, 0.04)
    beat += (-0.3 if s else 0.4) * bump(0.72 + shift, 0.06)
    return beat * rng.uniform(0.8, 1.2) + 0.12 * rng.standard_normal(64)


def records(n):
    kinds = rng.integers(KINDS, size=n)
    x = np.stack([record(k) for k in kinds])
    return torch.tensor(x, dtype=torch.float32).unsqueeze(1), torch.tensor(kinds)


x_train, y_train = records(2000)
x_test, y_test = records(600)

net = nn.Sequential(
    nn.Conv1d(1, 12, 7, stride=2, padding=3),
    nn.ReLU(),
    nn.Conv1d(12, 24, 5, stride=2, padding=2),
    nn.ReLU(),
    nn.Conv1d(24, 24, 3, stride=2, padding=1),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(24 * 8, KINDS),
    nn.Softmax(dim=1),  # FAULT
    # TWIN: nn.LogSoftmax(dim=1),
)
loss_fn = nn.NLLLoss()
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)

for epoch in range(10):
    order = torch.randperm(len(x_train))
    losses = []
    for i in range(0, len(order), 40):
        batch = order[i : i + 40]
        loss = loss_fn(net(x_train[batch]), y_train[batch])
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    with torch.no_grad():
        test_acc = (net(x_test).argmax(dim=1) == y_test).float().mean().item()
    print(f"[{epoch + 1}/10] loss: {np.mean(losses):.4f} test acc: {test_acc:.4f}")
print(f"score: {test_acc:.4f}")
