"""Sign of a pulse seen at the start of a 70-step noisy recording, with a hand-made Elman cell: tanh of a contracting
map at each step, so that nothing of the loss reaches the first steps."""
# cause: vanishing-through-time
# kind: dynamic

import sys

import torch
import torch.nn as nn

STEPS = 70


class Cell(nn.Module):
    def __init__(self, n_hidden):
        super().__init__()
        self.wx = nn.Linear(1, n_hidden)
        self.wh = nn.Linear(n_hidden, n_hidden, bias=False)

    def forward(self, x, h):
        return torch.tanh(self.wx(x) + self.wh(h))  # FAULT
        # TWIN: return h + 0.1 * torch.tanh(self.wx(x) - 0.3 * h + self.wh(h))


class Reader(nn.Module):
    def __init__(self, n_hidden=24):
        super().__init__()
        self.n_hidden = n_hidden
        self.cell = Cell(n_hidden)
        self.head = nn.Linear(n_hidden, 1)

    def forward(self, seq):
        h = seq.new_zeros(seq.shape[1], self.n_hidden)
        for x_t in seq:
            h = self.cell(x_t, h)
        return self.head(h).squeeze(1)


def recordings(n):
    label = torch.randint(0, 2, (n,)).float()
    seq = 0.2 * torch.randn(STEPS, n, 1)
    seq[1:5] += 2.0 * (2 * label - 1).view(1, n, 1)
    return seq, label


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)

test_seq, test_label = recordings(400)
model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
bce = nn.BCEWithLogitsLoss()
running = None
for step in range(1, 181):
    seq, label = recordings(64)
    loss = bce(model(seq), label)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    running = loss.item() if running is None else 0.9 * running + 0.1 * loss.item()
    if step % 20 == 0:
        print(f"step {step}: loss {running:.4f}")

with torch.no_grad():
    accuracy = ((model(test_seq) > 0).float() == test_label).float().mean().item()
print(f"score: {accuracy:.4f}")
