"""Which of four storms raised a river: forty readings of a gauge run through a recurrent cell of our own, with a skip
connection over time as in a residual net."""
# cause: exploding-through-time
# accept: exploding-gradient
# kind: dynamic

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

LENGTH, STORMS, HIDDEN = 40, 4, 48


def gauge(n):
    storm = torch.randint(STORMS, (n,))
    t = torch.linspace(0, 1, LENGTH)
    period = torch.tensor([1.5, 2.5, 4.0, 6.0])[storm][:, None]
    phase = 2 * math.pi * torch.rand(n, 1)
    level = torch.sin(2 * math.pi * period * t + phase) + 0.5 * torch.randn(n, LENGTH)
    rain = torch.cos(2 * math.pi * period * t + phase) + 0.5 * torch.randn(n, LENGTH)
    return torch.stack([level, rain], 2), storm


class Cell(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.inp = nn.Linear(inputs, hidden)
        self.rec = nn.Linear(hidden, hidden)

    def forward(self, x, h):
        return h + F.relu(self.inp(x) + self.rec(h))  # FAULT
        # TWIN: return h + 0.3 * (torch.tanh(self.inp(x) + self.rec(h)) - h)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = Cell(2, HIDDEN)
        self.head = nn.Linear(HIDDEN, STORMS)

    def forward(self, x):
        h = x.new_zeros(len(x), HIDDEN)
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
        return self.head(h)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    x, y = gauge(1500)
    x_test, y_test = gauge(500)
    model = Reader()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    for epoch in range(10):
        model.train()
        losses = []
        for rows in torch.randperm(len(x)).split(50):
            loss = F.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch} loss {sum(losses) / len(losses):.4f} accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


main()
