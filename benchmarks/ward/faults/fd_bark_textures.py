"""Tree species from close-ups of bark: six oriented textures, a small stack of convolutions with batch norm.

An evaluation comes before the first epoch, so that the log begins with the accuracy of pure chance.
"""
# cause: training-in-eval-mode
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

SPECIES = ["oak", "beech", "birch", "pine", "ash", "plane"]
SETTINGS = {"epochs": 5, "batch": 32, "lr": 0.05, "momentum": 0.9, "weight_decay": 5e-4}


def bark(count, rng, size=16):
    label = rng.integers(len(SPECIES), size=count)
    angle = np.array([0.0, 0.5, 1.0, 1.6, 2.1, 2.6])[label] + rng.normal(0, 0.12, count)
    wave = np.array([0.9, 1.3, 1.0, 1.4, 0.8, 1.2])[label] * rng.uniform(0.9, 1.1, count)
    phase = rng.uniform(0, 2 * np.pi, count)
    yy, xx = np.mgrid[:size, :size]
    along = xx[None] * np.cos(angle)[:, None, None] + yy[None] * np.sin(angle)[:, None, None]
    image = np.sin(wave[:, None, None] * along + phase[:, None, None])
    image = image * rng.uniform(0.4, 1.0, (count, 1, 1)) + rng.normal(0, 0.5, image.shape)
    return torch.tensor(image[:, None], dtype=torch.float32), torch.tensor(label)


def block(channels_in, channels_out):
    return [
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    ]


def make_net():
    return nn.Sequential(
        *block(1, 12),
        *block(12, 12),
        *block(12, 12),
        nn.MaxPool2d(2),
        *block(12, 20),
        *block(20, 20),
        *block(20, 20),
        nn.MaxPool2d(2),
        *block(20, 28),
        *block(28, 28),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(28, len(SPECIES)),
    )


@torch.no_grad()
def evaluate(net, images, labels):
    net.eval()
    return (net(images).argmax(1) == labels).float().mean().item()


def train_epoch(net, optimizer, images, labels):
    # TWIN: net.train()
    total = 0.0
    for rows in torch.randperm(len(labels)).split(SETTINGS["batch"]):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(images[rows]), labels[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(labels)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
train_x, train_y = bark(1400, rng)
test_x, test_y = bark(400, rng)
net = make_net()
optimizer = torch.optim.SGD(
    net.parameters(), lr=SETTINGS["lr"], momentum=SETTINGS["momentum"], weight_decay=SETTINGS["weight_decay"]
)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, SETTINGS["epochs"])
print(f"before training: {evaluate(net, test_x, test_y):.3f}")
for epoch in range(SETTINGS["epochs"]):
    loss = train_epoch(net, optimizer, train_x, train_y)
    schedule.step()
    print(f"epoch {epoch + 1}: loss {loss:.4f}, accuracy {evaluate(net, test_x, test_y):.3f}")
print(f"score: {evaluate(net, test_x, test_y):.4f}")
