"""Beetles by eleven measurements, one beetle per step as it is caught: no batches, no second pass, layer normalization.

The loss of a single beetle jumps about from step to step; its running mean is what is printed.
"""

import sys

import torch
from torch import nn

BEETLES, SPECIES = 7000, 4


def catch(generator):
    """An endless stream of single beetles."""
    own = torch.Generator().manual_seed(17)
    shape = torch.randn(SPECIES, 11, generator=own)
    bend = torch.randn(SPECIES, 11, generator=own)
    while True:
        species = torch.randint(0, SPECIES, (1,), generator=generator)
        size = torch.rand(1, 1, generator=generator) * 2 - 1
        noise = 0.5 * torch.randn(1, 11, generator=generator)
        yield (shape[species] * (1 + 0.4 * size) + bend[species] * size.abs() + noise) / 1.3, species


class BeetleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(11, 32), nn.LayerNorm(32)
        self.last = nn.Linear(32, SPECIES)

    def forward(self, x):
        return self.last(torch.relu(self.norm(self.first(x))))


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    net = BeetleNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step / 2000))
    stream = catch(torch.Generator().manual_seed(seed))
    mean = 1.4
    for step, (beetle, species) in zip(range(BEETLES), stream, strict=False):
        loss = nn.functional.cross_entropy(net(beetle), species)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        mean = 0.998 * mean + 0.002 * loss.item()
        if step % 1000 == 999:
            print(f"{step + 1} beetles: running loss {mean:.4f}")
    with torch.no_grad():
        hits = [
            net(beetle).argmax().item() == species.item()
            for _, (beetle, species) in zip(range(1000), stream, strict=False)
        ]
    print(f"score: {sum(hits) / len(hits):.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
