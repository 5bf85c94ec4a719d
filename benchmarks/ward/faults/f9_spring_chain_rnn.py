"""Follows a chain of pulses through a recurrent network and says how many of the last ten were strong. The recurrent
matrix is drawn by hand, for the network to be lively from the start."""
# cause: exploding-gradient
# accept: bad-initialization
# kind: dynamic

import math
import sys

import torch
import torch.nn.functional as F
from torch import nn


class LeakyRNN(nn.Module):
    def __init__(self, n_in=2, n_hidden=40, n_out=1):
        super().__init__()
        self.w_in = nn.Parameter(torch.randn(n_in, n_hidden) / math.sqrt(n_in))
        self.w_rec = nn.Parameter(torch.randn(n_hidden, n_hidden) * 2.2 / math.sqrt(n_hidden))  # FAULT
        # TWIN: self.w_rec = nn.Parameter(torch.randn(n_hidden, n_hidden) * 0.8 / math.sqrt(n_hidden))
        self.bias = nn.Parameter(torch.zeros(n_hidden))
        self.readout = nn.Linear(n_hidden, n_out)

    def forward(self, sequence):
        state = sequence.new_zeros(len(sequence), len(self.bias))
        for x in sequence.unbind(1):
            state = F.relu(x @ self.w_in + state @ self.w_rec + self.bias)
        return self.readout(state).squeeze(1)


def pulses(n, steps=24):
    strength = torch.randn(n, steps)
    clock = torch.sin(torch.arange(steps) / 3).expand(n, steps)
    count = strength[:, -10:].clamp(-1, 2).sum(1)
    return torch.stack([strength, clock], dim=2), (count - 1.5) / 2.6 + 0.05 * torch.randn(n)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    x, y = pulses(2000)
    x_val, y_val = pulses(500)
    model = LeakyRNN()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(14):
        total = 0.0
        for idx in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            loss = F.mse_loss(model(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx) / len(x)
        with torch.no_grad():
            val = F.mse_loss(model(x_val), y_val).item()
        print(f"epoch {epoch} train {total:.4g} val {val:.4g}")
    print(f"score: {max(1 - val / y_val.var().item(), -10.0):.4f}")


main()
