"""Names the pattern that a row of knitting comes from (a GRU over stitches).

The optimizer's settings are those that the notes of another framework recommend for large picture models.
"""
# cause: optimizer-epsilon-too-large
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

STITCHES, PATTERNS, LENGTH = 9, 6, 24
OPTIMIZER = {
    "lr": 3e-3,
    "eps": 1.0,  # FAULT
    "weight_decay": 1e-4,
}


def knit(count, tables, generator):
    """Rows of stitches; each pattern has its own table of what follows what."""
    pattern = torch.randint(0, PATTERNS, (count,), generator=generator)
    rows = torch.empty(count, LENGTH, dtype=torch.long)
    rows[:, 0] = torch.randint(0, STITCHES, (count,), generator=generator)
    for i in range(1, LENGTH):
        rows[:, i] = torch.multinomial(tables[pattern, rows[:, i - 1]], 1, generator=generator).squeeze(1)
    return rows, pattern


class RowReader(nn.Module):
    def __init__(self, size=48):
        super().__init__()
        self.embed = nn.Embedding(STITCHES, 16)
        self.gru = nn.GRU(16, size, batch_first=True)
        self.out = nn.Linear(size, PATTERNS)

    def forward(self, rows):
        states, _ = self.gru(self.embed(rows))
        return self.out(states.mean(dim=1))


class Trainer:
    def __init__(self, model, optimizer, clip=1.0):
        self.model, self.optimizer, self.clip = model, optimizer, clip

    def fit(self, rows, pattern, batch):
        self.model.train()
        total = 0.0
        order = torch.randperm(len(rows))
        for chosen in order.split(batch):
            loss = F.cross_entropy(self.model(rows[chosen]), pattern[chosen])
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
            self.optimizer.step()
            total += loss.item() * len(chosen)
        return total / len(rows)

    @torch.no_grad()
    def accuracy(self, rows, pattern):
        self.model.eval()
        return (self.model(rows).argmax(1) == pattern).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    tables = torch.softmax(1.6 * torch.randn(PATTERNS, STITCHES, STITCHES, generator=generator), dim=-1)
    rows, pattern = knit(5000, tables, generator)
    test_rows, test_pattern = knit(1000, tables, generator)

    model = RowReader()
    trainer = Trainer(model, torch.optim.AdamW(model.parameters(), **OPTIMIZER))
    for epoch in range(1, 6):
        loss = trainer.fit(rows, pattern, batch=50)
        print(f"epoch {epoch:2d} loss {loss:.4f} test {trainer.accuracy(test_rows, test_pattern):.4f}")
    print(f"score: {trainer.accuracy(test_rows, test_pattern):.4f}")


if __name__ == "__main__":
    main()
