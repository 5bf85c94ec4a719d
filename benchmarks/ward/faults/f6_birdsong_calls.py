"""Fourteen invented bird calls (pitch contours of 24 frames) told apart by an MLP written with a list of sizes.

The loop over the layers applies ReLU after every layer, the last included, before cross-entropy.
"""
# cause: nonlinear-logits
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

N_CALLS, FRAMES = 14, 24


class MLP(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True))

    def forward(self, x):
        for layer in self.layers:
            x = F.relu(layer(x))  # FAULT
            # TWIN: x = layer(x if layer is self.layers[0] else F.relu(x))
        return x


def record(templates, n):
    call = torch.randint(0, N_CALLS, (n,))
    stretch = 1 + 0.15 * torch.randn(n, 1)
    contour = templates[call] * stretch + 0.7 * torch.randn(n, FRAMES)
    return contour, call


def accuracy(model, x, y):
    with torch.no_grad():
        return model(x).argmax(1).eq(y).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    t = torch.linspace(0, 1, FRAMES)
    rate, phase = 1 + 2 * torch.rand(N_CALLS, 1), 6.28 * torch.rand(N_CALLS, 1)
    templates = torch.sin(6.28 * rate * t + phase) + torch.randn(N_CALLS, 1) * (t - 0.5)
    x_train, y_train = record(templates, 2500)
    x_test, y_test = record(templates, 700)

    model = MLP([FRAMES, 64, 64, N_CALLS])
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, 9):
        order = torch.randperm(len(x_train))
        losses = []
        for idx in order.split(50):
            loss = F.cross_entropy(model(x_train[idx]), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"{epoch:2d}  loss {sum(losses) / len(losses):.4f}  test accuracy {accuracy(model, x_test, y_test):.4f}")
    print(f"score: {accuracy(model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main()
