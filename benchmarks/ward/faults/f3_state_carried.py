"""Which of two tones came first in a short recording, with a GRU cell stepped by hand. `h = h.detach()`, the usual
remedy for "backward through the graph a second time", is in the loop over time and cuts it at each step."""
# cause: detached-graph
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn


def recordings(n, rng):
    x = 0.3 * rng.normal(size=(n, 20, 2))
    first, second = rng.integers(1, 8, n), rng.integers(9, 16, n)
    label = rng.integers(0, 2, n)
    rows = np.arange(n)
    x[rows, first, label] += 2.0
    x[rows, second, 1 - label] += 2.0
    return torch.tensor(x, dtype=torch.float32), torch.tensor(label)


class OrderNet(nn.Module):
    def __init__(self, hidden=20):
        super().__init__()
        self.hidden = hidden
        self.cell = nn.GRUCell(2, hidden)
        self.out = nn.Linear(hidden, 2)

    def forward(self, x):
        h = torch.zeros(x.shape[0], self.hidden)
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
            if t < x.shape[1] - 1:  # FAULT
                h = h.detach()  # FAULT
        return self.out(h)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    x, y = recordings(1200, rng)
    x_test, y_test = recordings(400, rng)
    net = OrderNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(12):
        order = torch.randperm(len(x))
        losses = []
        for i in range(0, len(x), 48):
            optimizer.zero_grad()
            loss = criterion(net(x[order[i : i + 48]]), y[order[i : i + 48]])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            acc = net(x_test).argmax(1).eq(y_test).float().mean().item()
        print(f"epoch {epoch + 1:2d} loss {np.mean(losses):.4f} accuracy {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
