"""Two towers that find the aerial view belonging to a patch of a map, trained with all other pairs of the batch.

The loss is written out from the formula of the paper, with the sharp temperature that large models end up at.
"""
# cause: unstable-loss
# kind: dynamic

import argparse
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Config:
    pairs: int = 3000
    held_out: int = 300
    batch: int = 100
    epochs: int = 25
    rate: float = 1e-3
    temperature: float = 0.01


def places(n, mixers):
    """Map and aerial features of the same places, each a different bent view of what is there."""
    scene = torch.randn(n, 8)
    views = [torch.tanh(scene @ mixer * 0.5) + 0.15 * torch.randn(n, mixer.shape[1]) for mixer in mixers]
    return [view / 0.6 for view in views]


class Tower(nn.Module):
    def __init__(self, n_in, width=96, code=16):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, width), nn.ReLU(), nn.Linear(width, code))

    def forward(self, x):
        return F.normalize(self.body(x), dim=1)


def pair_loss(left, right, temperature):
    similarity = left @ right.T / temperature
    own = torch.exp(similarity.diagonal())  # FAULT
    return -torch.log(own / torch.exp(similarity).sum(dim=1)).mean()  # FAULT
    # TWIN: return F.cross_entropy(similarity, torch.arange(len(left)))


@torch.no_grad()
def found(maps, aerials, pair):
    """Share of the places whose own aerial view is the most similar of all."""
    codes = [tower(view) for tower, view in zip((maps, aerials), pair, strict=True)]
    best = (codes[0] @ codes[1].T).argmax(dim=1)
    return (best == torch.arange(len(best))).float().mean().item()


def main(seed, config):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    mixers = torch.randn(8, 30), torch.randn(8, 40)
    train, test = places(config.pairs, mixers), places(config.held_out, mixers)
    maps, aerials = Tower(30), Tower(40)
    optimizer = torch.optim.Adam([*maps.parameters(), *aerials.parameters()], lr=config.rate)
    for epoch in range(config.epochs):
        losses = []
        for rows in torch.randperm(config.pairs).split(config.batch):
            loss = pair_loss(maps(train[0][rows]), aerials(train[1][rows]), config.temperature)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.4f} found {found(maps, aerials, test):.3f}")
    print(f"score: {found(maps, aerials, test):.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    main(parser.parse_args().seed, Config())
