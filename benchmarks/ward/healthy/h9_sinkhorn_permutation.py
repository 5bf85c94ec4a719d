"""Solve 2 x 2 jigsaws of handwritten digits: a network proposes a 4 x 4 score matrix, Sinkhorn iterations make it
doubly stochastic, and the pieces put back in place are compared with the true picture (Mena et al. 2018, without
the noise).

The score is the share of test pieces that the best permutation of the soft assignment puts in the right place.
"""

import argparse
from itertools import permutations

import torch
from sklearn.datasets import load_digits
from torch import nn

PERMUTATIONS = torch.tensor(list(permutations(range(4))))


def sinkhorn(log_alpha, rounds=15):
    for _ in range(rounds):
        log_alpha = log_alpha - log_alpha.logsumexp(dim=2, keepdim=True)
        log_alpha = log_alpha - log_alpha.logsumexp(dim=1, keepdim=True)
    return log_alpha.exp()


def cut(pictures):
    """(n, 8, 8) -> (n, 4, 16): the four 4 x 4 quarters in reading order."""
    return pictures.unfold(1, 4, 4).unfold(2, 4, 4).reshape(len(pictures), 4, 16)


def scramble(pieces):
    order = torch.rand(len(pieces), 4).argsort(1)
    return pieces.gather(1, order[:, :, None].expand_as(pieces)), order


class PiecePlacer(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.look = nn.Sequential(nn.Linear(16, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.place = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 4))

    def forward(self, pieces, temperature=0.5):
        each = self.look(pieces)
        everyone = each.mean(1, keepdim=True).expand_as(each)
        scores = self.place(torch.cat([each, everyone], dim=-1))  # piece i, place j
        return sinkhorn(scores / temperature)


def run(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    pictures = torch.tensor(load_digits().images, dtype=torch.float32) / 16
    pictures = cut(pictures[torch.randperm(len(pictures))])
    train, test = pictures[:1400], pictures[1400:]
    model = PiecePlacer()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[16, 21], gamma=0.3)

    for epoch in range(24):
        model.train()
        running = 0.0
        for batch in torch.randperm(len(train)).split(70):
            shuffled, _ = scramble(train[batch])
            assignment = model(shuffled)
            rebuilt = assignment.transpose(1, 2) @ shuffled
            loss = (rebuilt - train[batch]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item()
        scheduler.step()
        if (epoch + 1) % 4 == 0:
            print(f"epoch {epoch + 1:2d}: reconstruction error {running / 20:.5f}")

    model.eval()
    with torch.no_grad():
        shuffled, order = scramble(test)
        assignment = model(shuffled)
        totals = torch.stack([assignment[:, range(4), p].sum(1) for p in PERMUTATIONS], dim=1)
    placed = PERMUTATIONS[totals.argmax(1)]
    print(f"whole pictures solved: {(placed == order).all(1).float().mean():.4f}")
    print(f"score: {(placed == order).float().mean():.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    run(parser.parse_args().seed)
