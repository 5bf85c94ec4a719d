"""Copying memory: three symbols must be repeated after a blank of 10 steps. A net with an orthogonal recurrent
matrix (torch parametrization, no gates) and a modReLU-like activation, RMSprop, gradients clipped at 1.
"""

import sys

import torch
import torch.nn as nn
from torch.nn.utils.parametrizations import orthogonal

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
SYMBOLS, KEEP, BLANK = 4, 3, 10


def copy_batch(n):
    word = torch.randint(1, SYMBOLS + 1, (n, KEEP))
    x = torch.zeros(n, KEEP + BLANK + KEEP, dtype=torch.long)
    x[:, :KEEP] = word
    x[:, KEEP + BLANK] = SYMBOLS + 1  # "now!"
    return x, word - 1


class OrthogonalRNN(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.inp = nn.Embedding(SYMBOLS + 2, hidden)
        nn.init.normal_(self.inp.weight, std=0.3)
        self.rec = orthogonal(nn.Linear(hidden, hidden, bias=False), orthogonal_map="cayley")
        self.shift = nn.Parameter(torch.zeros(hidden))
        self.out = nn.Linear(hidden, SYMBOLS)

    def forward(self, x):
        h = torch.zeros(len(x), self.shift.numel())
        outs = []
        w = self.rec.weight
        for e in self.inp(x).unbind(1):
            z = h @ w.T + e
            h = z.sign() * torch.relu(z.abs() + self.shift)
            outs.append(h)
        return self.out(torch.stack(outs[-KEEP:], dim=1))


model = OrthogonalRNN()
optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3, alpha=0.9)
scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=500, power=1.0)
average = None
for step in range(1, 501):
    x, target = copy_batch(64)
    loss = nn.functional.cross_entropy(model(x).flatten(0, 1), target.flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    average = loss.item() if average is None else 0.95 * average + 0.05 * loss.item()
    if step % 50 == 0:
        print(f"step {step} smoothed loss {average:.4f}")

model.eval()
with torch.no_grad():
    x, target = copy_batch(1000)
    score = (model(x).argmax(-1) == target).float().mean().item()
print(f"score: {score:.4f}")
