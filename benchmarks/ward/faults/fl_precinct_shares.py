"""How a precinct divides its votes among six parties, from twelve figures of its census."""
# cause: loss-output-mismatch
# kind: dynamic

import argparse

import torch
import torch.nn.functional as F
from torch import nn


class ShareModel(nn.Module):
    def __init__(self, figures, parties):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(figures, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU())
        self.out = nn.Linear(64, parties)

    def logits(self, x):
        return self.out(self.trunk(x))

    def forward(self, x):
        return F.softmax(self.logits(x), dim=1)  # FAULT
        # TWIN: return F.log_softmax(self.logits(x), dim=1)

    @torch.no_grad()
    def shares(self, x):
        return F.softmax(self.logits(x), dim=1)


def precincts(n, generator, leaning, bend):
    x = torch.randn(n, 12, generator=generator)
    appeal = x @ leaning + torch.tanh(x @ bend[0]) @ bend[1]
    appeal = appeal + 0.1 * torch.randn(n, 6, generator=generator)
    return x, F.softmax(appeal, dim=1)


def common_share(model, x, target):
    """One less the votes that would have to change hands."""
    return 1 - 0.5 * (model.shares(x) - target).abs().sum(1).mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    g = torch.Generator().manual_seed(args.seed)
    leaning = 0.25 * torch.randn(12, 6, generator=g)
    bend = 0.3 * torch.randn(12, 8, generator=g), 0.4 * torch.randn(8, 6, generator=g)
    x, target = precincts(2500, g, leaning, bend)
    test_x, test_target = precincts(800, g, leaning, bend)

    model = ShareModel(12, 6)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
    for epoch in range(args.epochs):
        running = 0.0
        for rows in torch.randperm(len(x)).split(args.batch):
            loss = F.kl_div(model(x[rows]), target[rows], reduction="batchmean")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item() * len(rows)
        scheduler.step()
        if epoch % 5 == 4:
            share = common_share(model, test_x, test_target)
            print(f"epoch {epoch + 1:2d}  divergence {running / len(x):.4f}  votes in common {share:.4f}")
    print(f"score: {common_share(model, test_x, test_target):.4f}")


if __name__ == "__main__":
    main()
