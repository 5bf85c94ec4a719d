"""The kind of a shipment is announced by its first code; sixty lines of routing codes follow. A recurrent network reads
the declaration to its end and names the kind."""
# cause: vanishing-through-time
# accept: vanishing-gradient
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

KINDS, ROUTES, LINES = 6, 12, 60


def declarations(n):
    kind = torch.randint(0, KINDS, (n,))
    lines = torch.randint(KINDS, KINDS + ROUTES, (n, LINES))
    lines[:, 0] = kind
    return lines, kind


class LongMemory(nn.LSTM):
    def __init__(self, n_in, hidden):
        super().__init__(n_in, hidden, batch_first=True)
        with torch.no_grad():
            for bias in (self.bias_ih_l0, self.bias_hh_l0):
                bias[hidden : 2 * hidden] = 2.0
                bias[:hidden] = -0.5


class Reader(nn.Module):
    def __init__(self, dim=16, hidden=32):
        super().__init__()
        self.embed = nn.Embedding(KINDS + ROUTES, dim)
        self.rnn = nn.RNN(dim, hidden, batch_first=True)  # FAULT
        # TWIN: self.rnn = LongMemory(dim, hidden)
        self.name = nn.Linear(hidden, KINDS)

    def forward(self, lines):
        states, _ = self.rnn(self.embed(lines))
        return self.name(states[:, -1])


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    lines, kind = declarations(1500)
    lines_val, kind_val = declarations(400)
    reader = Reader()
    optimizer = torch.optim.Adam(reader.parameters(), lr=5e-3)
    for epoch in range(10):
        total = 0.0
        for idx in torch.randperm(len(lines)).split(50):
            loss = F.cross_entropy(reader(lines[idx]), kind[idx])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(idx)
        with torch.no_grad():
            acc = (reader(lines_val).argmax(1) == kind_val).float().mean().item()
        print(f"epoch {epoch} loss {total / len(lines):.4f} val acc {acc:.4f}")
    print(f"score: {acc:.4f}")


main()
