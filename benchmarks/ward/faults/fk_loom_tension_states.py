"""Seven states of a power loom from 24 tension readings: twelve narrow layers with batch normalisation.

The factory function tries the new network on one empty row, to report its size before training.
"""
# cause: training-in-eval-mode
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

STATES, READINGS = 7, 24


def make_network(width=48, depth=12):
    layers, size = [], READINGS
    for _ in range(depth):
        layers += [nn.Linear(size, width), nn.BatchNorm1d(width), nn.ReLU()]
        size = width
    network = nn.Sequential(*layers, nn.Linear(width, STATES))
    network.eval()
    outputs = network(torch.zeros(1, READINGS)).numel()
    print(f"{sum(p.numel() for p in network.parameters())} parameters, {outputs} outputs")
    # TWIN: network.train()
    return network


def readings(n, centres):
    state = torch.randint(0, STATES, (n,))
    which = torch.randint(0, 2, (n,))
    return (centres[state, which] + torch.randn(n, READINGS)) / 1.4, state


@torch.no_grad()
def held_out(network, x, y):
    was_training = network.training
    network.eval()
    logits = network(x)
    network.train(was_training)
    return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
centres = 0.9 * torch.randn(STATES, 2, READINGS)
x, y = readings(3000, centres)
x_val, y_val = readings(500, centres)
network = make_network()
optimizer = torch.optim.SGD(network.parameters(), lr=0.03, momentum=0.9, weight_decay=5e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)
for epoch in range(8):
    losses = []
    for rows in torch.randperm(len(x)).split(60):
        loss = F.cross_entropy(network(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    val_loss, val_right = held_out(network, x_val, y_val)
    print(f"epoch {epoch} train {sum(losses) / len(losses):.4f} val {val_loss:.4f} right {val_right:.4f}")
print(f"score: {val_right:.4f}")
