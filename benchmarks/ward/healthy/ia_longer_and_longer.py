"""A GRU learns the parity of the ones in a row, first of short rows, then of longer ones; the loss jumps a little
whenever the rows grow."""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


class Parity(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(self.gru(x)[0]).squeeze(2)


def rows(n, length):
    bits = torch.randint(2, (n, length)).float()
    return (bits - 0.5).unsqueeze(2) * 2, bits.cumsum(1) % 2


model = Parity()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
criterion = nn.BCEWithLogitsLoss()
for length in (2, 3, 5, 8, 12):
    for step in range(150):
        x, parity = rows(64, length)
        loss = criterion(model(x), parity)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    print(f"length {length} loss {loss.item():.4f}")
with torch.no_grad():
    x, parity = rows(500, 12)
    right = ((model(x) > 0).float() == parity).float().mean().item()
print(f"score: {right:.4f}")
