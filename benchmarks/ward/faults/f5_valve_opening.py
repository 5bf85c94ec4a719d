"""Says which of four valves opened from 60 pressure readings, of which only the first ten show it. The recurrent cell
is written by hand with a sigmoid state, whose slope of at most 1/4 a step leaves no gradient for the start."""
# cause: vanishing-through-time
# kind: dynamic

import sys

import torch
from torch import nn

torch.set_num_threads(1)
LENGTH, HIDDEN = 60, 32


def readings(n):
    valve = torch.randint(4, (n,))
    t = torch.arange(10.0)
    shapes = torch.stack([torch.exp(-t / 4), -torch.exp(-t / 4), torch.sin(t * 0.7), -torch.sin(t * 0.7)])
    x = 0.3 * torch.randn(n, LENGTH)
    x[:, :10] += 1.5 * shapes[valve]
    return x.unsqueeze(2), valve


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(1, HIDDEN)
        self.rec = nn.Linear(HIDDEN, HIDDEN, bias=False)
        # TWIN: nn.init.eye_(self.rec.weight)
        self.out = nn.Linear(HIDDEN, 4)

    def forward(self, x):
        h = x.new_zeros(len(x), HIDDEN)
        for step in self.inp(x).unbind(1):
            h = torch.sigmoid(step + self.rec(h))  # FAULT
            # TWIN: h = torch.relu(step + self.rec(h))
        return self.out(h)


def main(seed):
    torch.manual_seed(seed)
    x, y = readings(1600)
    x_test, y_test = readings(400)
    model = Recurrent()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(8):
        order = torch.randperm(len(x))
        epoch_loss = 0.0
        for i in range(0, len(x), 40):
            rows = order[i : i + 40]
            loss = loss_fn(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            epoch_loss += loss.item()
        with torch.no_grad():
            acc = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch} loss {epoch_loss / 40:.3f} acc {acc:.3f}")
    print(f"score: {acc:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
