"""Tennis results: Bradley-Terry with a strength and a surface taste per player, SparseAdam over sparse embeddings.
Score: accuracy on held-out matches, beside that of the true strengths.
"""

import sys
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


@dataclass
class Config:
    players: int = 120
    surfaces: int = 3
    matches: int = 24000
    batch: int = 128
    epochs: int = 12
    lr: float = 5e-3


class BradleyTerry(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.strength = nn.Embedding(cfg.players, 1, sparse=True)
        self.taste = nn.Embedding(cfg.players * cfg.surfaces, 1, sparse=True)
        self.surfaces = cfg.surfaces
        nn.init.zeros_(self.strength.weight)
        nn.init.normal_(self.taste.weight, std=0.01)

    def rate(self, player, surface):
        return (self.strength(player) + self.taste(player * self.surfaces + surface)).squeeze(-1)

    def forward(self, a, b, surface):
        return self.rate(a, surface) - self.rate(b, surface)


def season(cfg):
    power = 1.2 * torch.randn(cfg.players, 1) + 0.8 * torch.randn(cfg.players, cfg.surfaces)
    a = torch.randint(0, cfg.players, (cfg.matches,))
    b = (a + torch.randint(1, cfg.players, (cfg.matches,))) % cfg.players
    s = torch.randint(0, cfg.surfaces, (cfg.matches,))
    gap = power[a, s] - power[b, s]
    return a, b, s, torch.bernoulli(torch.sigmoid(gap)), gap


def main(seed):
    torch.manual_seed(seed)
    cfg = Config()
    data = season(cfg)
    cut = int(0.8 * cfg.matches)
    train, test = [d[:cut] for d in data], [d[cut:] for d in data]
    model = BradleyTerry(cfg)
    opt = torch.optim.SparseAdam(list(model.parameters()), lr=cfg.lr)
    for epoch in range(1, cfg.epochs + 1):
        total = 0.0
        for idx in torch.randperm(cut).split(cfg.batch):
            a, b, s, y, _ = (d[idx] for d in train)
            loss = F.binary_cross_entropy_with_logits(model(a, b, s), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx) / cut
        with torch.no_grad():
            a, b, s, y, gap = test
            logits = model(a, b, s)
            held = F.binary_cross_entropy_with_logits(logits, y).item()
            acc = ((logits > 0) == (y > 0.5)).float().mean().item()
        print(f"epoch {epoch}: train {total:.4f} test {held:.4f} accuracy {acc:.4f}")
    print(f"the true strengths reach {((gap > 0) == (y > 0.5)).float().mean().item():.4f}")
    print(f"score: {acc:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
