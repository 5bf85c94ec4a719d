"""A GRU learns the running sum of marked numbers, first on sequences of four, then of eight, sixteen and thirty-two;
the loss jumps whenever they grow."""

import sys

import torch
from torch import nn


def marked_sums(n, length):
    values = torch.rand(n, length) - 0.5
    marks = (torch.rand(n, length) < 4 / length).float()
    return torch.stack([values, marks], dim=2), (values * marks).sum(1, keepdim=True)


class Adder(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(2, hidden, batch_first=True)
        self.sum = nn.Linear(hidden, 1)

    def forward(self, x):
        _, last = self.gru(x)
        return self.sum(last[-1])


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
adder = Adder()
optimizer = torch.optim.Adam(adder.parameters(), lr=4e-3)
for length, steps in [(4, 120), (8, 120), (16, 150), (32, 350)]:
    for step in range(steps):
        x, total = marked_sums(64, length)
        loss = nn.functional.mse_loss(adder(x), total)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(adder.parameters(), 0.5)
        optimizer.step()
        if step % 50 == 0:
            print(f"length {length} step {step} loss {loss.item():.5f}")
x, total = marked_sums(1000, 32)
with torch.no_grad():
    r2 = 1 - nn.functional.mse_loss(adder(x), total).item() / total.var().item()
print(f"score: {r2:.4f}")
