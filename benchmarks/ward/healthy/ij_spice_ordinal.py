"""How hot a dish tastes on a scale of five: a cumulative-link model with learned, ordered thresholds, Nesterov SGD
with a larger rate for the thresholds. Score: quadratic weighted kappa on held-out dishes.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import cohen_kappa_score

torch.set_num_threads(1)
LEVELS = 5


def dishes(n):
    chili, pepper, ginger = (torch.distributions.Exponential(1.0).sample((n,)) for _ in range(3))
    fat, sugar, acid = torch.rand(3, n)
    heat = (3 * chili + pepper + 0.5 * ginger) / (1 + 1.5 * fat + sugar) + 0.5 * acid
    felt = torch.log1p(heat) + 0.12 * torch.distributions.Gumbel(0.0, 1.0).sample((n,))
    x = torch.stack([chili.log1p(), pepper.log1p(), ginger.log1p(), fat, sugar, acid], 1)
    return x, felt


class CumulativeLink(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1, bias=False))
        self.first = nn.Parameter(torch.tensor(-1.5))
        self.gaps = nn.Parameter(torch.zeros(LEVELS - 2))

    def forward(self, x):
        cuts = torch.cat([self.first[None], self.first + F.softplus(self.gaps).cumsum(0)])
        below = torch.sigmoid(cuts - self.score(x))
        edges = torch.cat([torch.zeros(len(x), 1), below, torch.ones(len(x), 1)], 1)
        return edges.diff(dim=1).clamp_min(1e-6)


def main(seed):
    torch.manual_seed(seed)
    x, felt = dishes(6000)
    y = torch.bucketize(felt, torch.quantile(felt[:4500], torch.tensor([0.35, 0.6, 0.8, 0.93])))
    mean, std = x[:4500].mean(0), x[:4500].std(0)
    x = (x - mean) / std
    model = CumulativeLink()
    opt = torch.optim.SGD(
        [{"params": model.score.parameters()}, {"params": [model.first, model.gaps], "lr": 0.15}],
        lr=0.03, momentum=0.9, nesterov=True,
    )  # fmt: skip
    for epoch in range(1, 26):
        model.train()
        total = 0.0
        for idx in torch.randperm(4500).split(90):
            loss = F.nll_loss(model(x[idx]).log(), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() / 50
        if epoch == 18:
            for group in opt.param_groups:
                group["lr"] *= 0.2
        model.eval()
        with torch.no_grad():
            p = model(x[4500:])
        kappa = cohen_kappa_score(y[4500:].numpy(), p.argmax(1).numpy(), weights="quadratic")
        print(f"epoch {epoch}: train {total:.4f} valid {F.nll_loss(p.log(), y[4500:]).item():.4f} kappa {kappa:.4f}")
    print(f"score: {kappa:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
