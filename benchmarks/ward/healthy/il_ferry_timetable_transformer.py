"""A small causal transformer over made-up ferry timetables: letters of stops follow each other by the season, which the
first letter tells. Next-letter accuracy on held-out timetables."""

import sys
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Config:
    stops: int = 12
    seasons: int = 3
    length: int = 20
    width: int = 32
    heads: int = 4
    layers: int = 2
    steps: int = 350
    batch: int = 48
    lr: float = 3e-3


class TimetableModel(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.token = nn.Embedding(c.stops + c.seasons, c.width)
        self.place = nn.Parameter(0.02 * torch.randn(c.length, c.width))
        layer = nn.TransformerEncoderLayer(
            c.width, c.heads, 4 * c.width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, c.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(c.width)
        self.out = nn.Linear(c.width, c.stops)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(c.length))

    def forward(self, tokens):
        n = tokens.size(1)
        hidden = self.blocks(self.token(tokens) + self.place[:n], mask=self.mask[:n, :n], is_causal=True)
        return self.out(self.norm(hidden))


def timetables(count, c, routes):
    """The next stop is the season's successor nine times in ten, any stop otherwise."""
    season = torch.randint(0, c.seasons, (count,))
    stop = torch.randint(0, c.stops, (count,))
    columns = [c.stops + season, stop]
    for _ in range(c.length - 1):
        stop = torch.where(torch.rand(count) < 0.9, routes[season, stop], torch.randint(0, c.stops, (count,)))
        columns.append(stop)
    tokens = torch.stack(columns, dim=1)
    return tokens[:, :-1], tokens[:, 1:]


def main(seed):
    c = Config()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    routes = torch.stack([torch.randperm(c.stops) for _ in range(c.seasons)])
    inputs, targets = timetables(4000, c, routes)
    held_inputs, held_targets = timetables(400, c, routes)
    model = TimetableModel(c)
    optimizer = torch.optim.AdamW(model.parameters(), lr=c.lr, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min((s + 1) / 30, 1 - s / (c.steps + 20)))
    for step in range(1, c.steps + 1):
        model.train()
        rows = torch.randint(0, len(inputs), (c.batch,))
        loss = nn.functional.cross_entropy(model(inputs[rows]).flatten(0, 1), targets[rows].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        if step % 50 == 0:
            model.eval()
            with torch.no_grad():
                hits = (model(held_inputs).argmax(2) == held_targets)[:, 1:].float().mean().item()
            print(f"step {step}: loss {loss.item():.4f}, next stop right {hits:.4f}")
    print(f"score: {hits:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
