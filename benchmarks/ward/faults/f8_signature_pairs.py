"""Are two signatures by one hand? A siamese network with the contrastive loss of Hadsell et al. A clerk's stamped
signature is the same picture every time, so some pairs are of equal pictures."""
# cause: unstable-loss
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

POINTS = 32


class Pairs(Dataset):
    def __init__(self, n, hands, stamped=0.05):
        self.hands, self.n = hands, n
        first = torch.randint(len(hands), (n,))
        self.same = torch.rand(n) < 0.5
        shift = torch.randint(1, len(hands), (n,))
        second = torch.where(self.same, first, (first + shift) % len(hands))
        self.a, self.b = self.sign(first), self.sign(second)
        stamps = (torch.rand(n) < stamped) & self.same
        self.b[stamps] = self.a[stamps]

    def sign(self, hand):
        return self.hands[hand] + 0.9 * torch.randn(len(hand), POINTS)

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return self.a[i], self.b[i], self.same[i].float()


class Embedder(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(POINTS, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, dim))

    def forward(self, x):
        return self.body(x)


def distance(a, b):
    squares = (a - b).pow(2).sum(dim=1)
    return squares.sqrt()  # FAULT
    # TWIN: return (squares + 1e-6).sqrt()


def contrastive_loss(d, same, margin=1.5):
    return (same * d.pow(2) + (1 - same) * (margin - d).clamp_min(0).pow(2)).mean()


def area_under_curve(d, same):
    near, far = d[same > 0], d[same == 0]
    return (near[:, None] < far[None, :]).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    hands = torch.randn(20, POINTS)
    train = DataLoader(Pairs(3000, hands), batch_size=50, shuffle=True)
    test = DataLoader(Pairs(600, hands, stamped=0.0), batch_size=600)
    model = Embedder()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(8):
        model.train()
        total = 0.0
        for a, b, same in train:
            loss = contrastive_loss(distance(model(a), model(b)), same)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            a, b, same = next(iter(test))
            d = distance(model(a), model(b))
        auc = area_under_curve(d, same)
        print(f"epoch {epoch} loss {total / len(train):.4f} val {contrastive_loss(d, same):.4f} auc {auc:.4f}")
    print(f"score: {auc:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
