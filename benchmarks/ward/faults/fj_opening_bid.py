"""Which of six opening bids began the auction? The clerk's log runs on for fifty more entries before it is asked.

The memory cell is our own: each step the state leaks a little towards what the new entry and the old state say.
"""
# cause: vanishing-through-time
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

LENGTH, BIDS, ENTRIES = 50, 6, 10


def auctions(n, generator):
    """Symbols 0 to 5 are opening bids, 6 to 15 the other entries of the log."""
    log = torch.randint(BIDS, BIDS + ENTRIES, (n, LENGTH), generator=generator)
    opening = torch.randint(0, BIDS, (n,), generator=generator)
    log[:, 0] = opening
    return log, opening


class LeakyCell(nn.Module):
    def __init__(self, n_in, n_state):
        super().__init__()
        self.take = nn.Linear(n_in, n_state)
        self.keep = nn.Linear(n_state, n_state, bias=False)
        self.leak = 0.6  # FAULT
        # TWIN: self.leak = 0.03

    def forward(self, x, h):
        return (1 - self.leak) * h + self.leak * torch.tanh(self.take(x) + self.keep(h))


class AuctionReader(nn.Module):
    def __init__(self, n_embed=16, n_state=64):
        super().__init__()
        self.embed = nn.Embedding(BIDS + ENTRIES, n_embed)
        self.cell = LeakyCell(n_embed, n_state)
        self.norm = nn.LayerNorm(n_state)
        self.answer = nn.Linear(n_state, BIDS)

    def forward(self, log):
        steps = self.embed(log)
        h = steps.new_zeros(len(log), self.norm.normalized_shape[0])
        for t in range(log.shape[1]):
            h = self.cell(steps[:, t], h)
        return self.answer(self.norm(h))


def accuracy(model, log, opening):
    model.eval()
    with torch.no_grad():
        return (model(log).argmax(1) == opening).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    log, opening = auctions(4000, generator)
    test = auctions(1000, generator)

    model = AuctionReader()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(6):
        model.train()
        losses = []
        for rows in torch.randperm(len(log)).split(100):
            loss = F.cross_entropy(model(log[rows]), opening[rows])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1} loss {sum(losses) / len(losses):.4f} accuracy {accuracy(model, *test):.4f}")
    print(f"score: {accuracy(model, *test):.4f}")


main()
