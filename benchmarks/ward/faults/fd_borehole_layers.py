"""Names the rock at every depth of a borehole from five logging tools, with a deep stack of 1-D convolutions.

Each tool smears a few samples together and is noisy, so the network has to look up and down the hole.
The design follows a textbook of the nineties on well-log interpretation, only with more layers.
"""
# cause: vanishing-gradient
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ROCKS, TOOLS, DEPTHS = 4, 5, 64


def drill(rng, wells):
    """Random layer sequences and the readings they give."""
    response = np.array(
        [
            [0.9, -0.6, 0.3, 0.0, 0.7],
            [-0.8, 0.5, 0.9, -0.4, 0.1],
            [0.1, 0.9, -0.7, 0.8, -0.6],
            [-0.4, -0.8, -0.3, -0.9, 0.5],
        ]
    )
    rocks = np.zeros((wells, DEPTHS), dtype=np.int64)
    for well in range(wells):
        depth = 0
        while depth < DEPTHS:
            thickness = rng.integers(4, 14)
            rocks[well, depth : depth + thickness] = rng.integers(ROCKS)
            depth += thickness
    logs = response[rocks]
    logs = logs + rng.normal(0, 1.1, logs.shape)
    padded = np.pad(logs, ((0, 0), (1, 1), (0, 0)), mode="edge")
    logs = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    return torch.tensor(logs.transpose(0, 2, 1), dtype=torch.float32), torch.from_numpy(rocks)


def build(width=24, depth=12):
    layers, channels = [], TOOLS
    for _ in range(depth):
        conv = nn.Conv1d(channels, width, 3, padding=1)
        nn.init.kaiming_normal_(conv.weight)
        nn.init.zeros_(conv.bias)
        layers.append(conv)
        layers.append(nn.Sigmoid())  # FAULT
        # TWIN: layers.append(nn.ReLU())
        channels = width
    layers.append(nn.Conv1d(width, ROCKS, 1))
    return nn.Sequential(*layers)


def accuracy(model, loader):
    model.eval()
    hits = total = 0
    with torch.no_grad():
        for logs, rocks in loader:
            hits += (model(logs).argmax(1) == rocks).sum().item()
            total += rocks.numel()
    return hits / total


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train_set = TensorDataset(*drill(rng, 720))
    test_set = TensorDataset(*drill(rng, 200))
    train_loader = DataLoader(train_set, batch_size=20, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=100)

    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 7)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(7):
        model.train()
        running = 0.0
        for logs, rocks in train_loader:
            optimizer.zero_grad()
            loss = loss_fn(model(logs), rocks)
            loss.backward()
            optimizer.step()
            running += loss.item()
        scheduler.step()
        print(f"epoch {epoch + 1}: loss {running / len(train_loader):.3f}, held out {accuracy(model, test_loader):.3f}")
    print(f"score: {accuracy(model, test_loader):.4f}")


if __name__ == "__main__":
    main()
