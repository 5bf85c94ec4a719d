"""Will a gripper hold the object? Learned on a simulator first, then on 700 grasps of the real arm.

The network of the simulator is kept for comparison, so the second stage works on a copy of it.
"""
# cause: stale-optimizer
# accept: parameters-not-in-optimizer
# kind: dynamic

import copy
import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def grasps(n, real):
    width, offset, angle, friction, weight = (2 * torch.rand(n, 5) - 1).T
    x = torch.stack([width, offset, angle, friction, weight], dim=1)
    if real:
        offset, friction = offset - 0.4, -friction * angle
    margin = friction - 0.7 * weight + 0.9 * torch.cos(3 * angle) - 1.5 * offset.abs() + 0.5 * width * offset + 0.4
    return x, (margin + 0.1 * torch.randn(n) > 0).long()


def make_model():
    return nn.Sequential(nn.Linear(5, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 2))


def run_epochs(model, optimizer, loader, epochs, name):
    for epoch in range(1, epochs + 1):
        total, hits = 0.0, 0
        for x, y in loader:
            logits = model(x)
            loss = F.cross_entropy(logits, y)
            model.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
            hits += (logits.argmax(1) == y).sum().item()
        if epoch % 5 == 0:
            n = len(loader.dataset)
            print(f"{name} epoch {epoch}: loss {total / n:.4f}, accuracy {hits / n:.3f}")


def accuracy(model, x, y):
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    simulated = DataLoader(TensorDataset(*grasps(2500, real=False)), batch_size=50, shuffle=True)
    real_x, real_y = grasps(1700, real=True)
    real = DataLoader(TensorDataset(real_x[:900], real_y[:900]), batch_size=30, shuffle=True)
    test_x, test_y = real_x[900:], real_y[900:]

    model = make_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    run_epochs(model, optimizer, simulated, 15, "simulator")
    simulator_model = model
    model = copy.deepcopy(simulator_model)
    # TWIN: optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    run_epochs(model, optimizer, real, 30, "real arm")  # FAULT
    # TWIN: run_epochs(model, optimizer, real, 30, "real arm")
    print(f"simulator network on the real arm: {accuracy(simulator_model, test_x, test_y):.3f}")
    print(f"score: {accuracy(model, test_x, test_y):.4f}")


if __name__ == "__main__":
    main()
