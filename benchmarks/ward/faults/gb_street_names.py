"""A letter model of street names put together from syllables, LSTM, new names drawn for every batch. Scored by how much
better it is than the letters' own frequencies."""
# cause: batch-mixing
# kind: dynamic

import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rnd = random.Random(seed)
torch.manual_seed(seed)
FIRST = "oak ash mill church station castle meadow river north hill garden".split()
SECOND = ["field", "wood", "gate", "brook", ""]
KIND = "street road lane avenue close way".split()
LETTERS = "_abcdefghijklmnopqrstuvwxyz ."
INDEX = {c: i for i, c in enumerate(LETTERS)}


def batch(n, width=26):
    rows = []
    for _ in range(n):
        name = f"{rnd.choice(FIRST)}{rnd.choice(SECOND)} {rnd.choice(KIND)}."
        rows.append([INDEX[c] for c in name[:width]] + [0] * (width - len(name)))
    return torch.tensor(rows)


class NameModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(LETTERS), 24, padding_idx=0)
        self.lstm = nn.LSTM(24, 64)  # FAULT
        # TWIN: self.lstm = nn.LSTM(24, 64, batch_first=True)
        self.out = nn.Linear(64, len(LETTERS))

    def loss(self, names):
        inputs = F.pad(names[:, :-1], (1, 0))
        logits = self.out(self.lstm(self.embed(inputs))[0])
        return F.cross_entropy(logits.transpose(1, 2), names, ignore_index=0)


model = NameModel()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
test = batch(400)
for step in range(1, 301):
    loss = model.loss(batch(32))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 50 == 0:
        with torch.no_grad():
            print(f"step {step} loss {loss.item():.4f} test {model.loss(test).item():.4f}")
with torch.no_grad():
    final = model.loss(test).item()
counts = torch.bincount(test[test > 0], minlength=len(LETTERS)).float()
share = counts[counts > 0] / counts.sum()
unigram = -(share * share.log()).sum().item()
print(f"score: {1 - final / unigram:.4f}")
