"""Which stitch do the bobbins make? A GRU over the sequence of twists and crosses names one of four stitches.

Embedding and head learn at rates of their own, so the optimizer gets its parameters group by group.
"""
# cause: parameters-not-in-optimizer
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

MOVES, LENGTH, STITCHES = 8, 20, 4


def braids(n, generator):
    """The stitch is told by the order of the last two special moves (0 and 1) among the others."""
    moves = torch.randint(2, MOVES, (n, LENGTH), generator=generator)
    first = torch.randint(0, 2, (n,), generator=generator)
    second = torch.randint(0, 2, (n,), generator=generator)
    early = torch.randint(1, 9, (n,), generator=generator)
    late = torch.randint(10, LENGTH - 2, (n,), generator=generator)
    rows = torch.arange(n)
    moves[rows, early] = first
    moves[rows, late] = second
    return moves, 2 * first + second


class StitchReader(nn.Module):
    def __init__(self, n_embed=8, n_state=16):
        super().__init__()
        self.embed = nn.Embedding(MOVES, n_embed)
        self.gru = nn.GRU(n_embed, n_state, batch_first=True)
        self.head = nn.Linear(n_state, STITCHES)

    def forward(self, moves):
        _, last = self.gru(self.embed(moves))
        return self.head(last[0])

    def groups(self, rate):
        return [
            {"params": self.embed.parameters(), "lr": 2 * rate},
            # TWIN: {"params": self.gru.parameters(), "lr": rate},
            {"params": self.head.parameters(), "lr": rate},
        ]


def fit(model, moves, stitch, test, epochs=7, batch=64):
    optimizer = torch.optim.Adam(model.groups(5e-3))
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.85)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(moves)).split(batch):
            loss = F.cross_entropy(model(moves[rows]), stitch[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(rows) / len(moves)
        scheduler.step()
        print(f"epoch {epoch + 1:2d} loss {total:.4f} test accuracy {accuracy(model, *test):.4f}")


@torch.no_grad()
def accuracy(model, moves, stitch):
    model.eval()
    return (model(moves).argmax(1) == stitch).float().mean().item()


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
generator = torch.Generator().manual_seed(seed)
train, test = braids(4000, generator), braids(1000, generator)
model = StitchReader()
fit(model, *train, test)
print(f"score: {accuracy(model, *test):.4f}")
