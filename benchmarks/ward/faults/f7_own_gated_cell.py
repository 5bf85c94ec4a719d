"""Counts the peaks of a noisy signal with a gated recurrent cell written by hand. All its matrices start at the same
constant, so that its forty units are one."""
# cause: symmetric-initialization
# accept: bad-initialization
# kind: dynamic

import math
import sys

import torch
from torch import nn


class GatedCell(nn.Module):
    """Update gate and candidate, as in the minimal gated unit."""

    def __init__(self, n_in, n_hidden):
        super().__init__()
        self.n_hidden = n_hidden
        self.w_gate = nn.Parameter(self.weight(n_in, n_hidden))
        self.u_gate = nn.Parameter(self.weight(n_hidden, n_hidden))
        self.b_gate = nn.Parameter(torch.zeros(n_hidden))
        self.w_new = nn.Parameter(self.weight(n_in, n_hidden))
        self.u_new = nn.Parameter(self.weight(n_hidden, n_hidden))
        self.b_new = nn.Parameter(torch.zeros(n_hidden))

    @staticmethod
    def weight(rows, columns):
        return torch.full((rows, columns), 0.01)  # FAULT
        # TWIN: return torch.randn(rows, columns) / math.sqrt(rows)

    def forward(self, sequence):
        h = sequence.new_zeros(sequence.shape[0], self.n_hidden)
        for x in sequence.unbind(dim=1):
            gate = torch.sigmoid(x @ self.w_gate + h @ self.u_gate + self.b_gate)
            new = torch.tanh(x @ self.w_new + (gate * h) @ self.u_new + self.b_new)
            h = (1 - gate) * h + gate * new
        return h


class PeakCounter(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.cell = GatedCell(1, hidden)
        self.out = nn.Linear(hidden, 4)
        nn.init.constant_(self.out.weight, 1 / math.sqrt(hidden))  # FAULT
        # TWIN: nn.init.xavier_uniform_(self.out.weight)

    def forward(self, x):
        return self.out(self.cell(x))


def signals(n, gen):
    count = torch.randint(0, 4, (n,), generator=gen)
    x = 0.15 * torch.randn(n, 24, 1, generator=gen)
    for i, c in enumerate(count.tolist()):
        places = torch.randperm(8, generator=gen)[:c] * 3
        x[i, places + 1] += 1.5
    return x, count


torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
gen = torch.Generator().manual_seed(seed + 11)
x, y = signals(1000, gen)
x_test, y_test = signals(300, gen)
model = PeakCounter()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(12):
    for idx in torch.randperm(len(x)).split(50):
        loss = criterion(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"{epoch:2d} loss {loss.item():.4f} test {acc:.4f}")
print(f"score: {acc:.4f}")
