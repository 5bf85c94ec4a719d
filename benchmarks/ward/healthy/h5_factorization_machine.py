"""A second-order factorization machine on sparse binary indicators, with the identity that computes all pairwise terms
in linear time; trained with the logistic loss and scored by accuracy against the Bayes rule.
"""

import sys

import torch
import torch.nn.functional as F
from torch import nn


class FactorizationMachine(nn.Module):
    def __init__(self, features, rank=6):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))
        self.linear = nn.Parameter(torch.zeros(features))
        self.factors = nn.Parameter(0.1 * torch.randn(features, rank))

    def forward(self, x):
        xv = x @ self.factors
        x2v2 = (x * x) @ (self.factors * self.factors)
        return self.bias + x @ self.linear + 0.5 * (xv * xv - x2v2).sum(1)


def make_data(n, features=30, active=6):
    """Every example switches on a few of the features; pairs of them interact through hidden factors."""
    v = torch.randn(features, 3) * 0.9
    w = 0.5 * torch.randn(features)
    x = torch.zeros(n, features)
    x.scatter_(1, torch.rand(n, features).topk(active).indices, 1.0)
    inter = 0.5 * ((x @ v).pow(2).sum(1) - (x @ v.pow(2)).sum(1))
    logit = x @ w + inter
    logit = logit - logit.median()
    return x, torch.bernoulli(torch.sigmoid(2 * logit)), (logit > 0).float()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y, bayes = make_data(8000)
    x_train, y_train, x_val, y_val = x[:6500], y[:6500], x[6500:], y[6500:]
    fm = FactorizationMachine(x.size(1))
    optimizer = torch.optim.Adam(fm.parameters(), lr=2e-2)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.85)
    for epoch in range(12):
        losses = []
        for idx in torch.randperm(len(x_train)).split(128):
            loss = F.binary_cross_entropy_with_logits(fm(x_train[idx]), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        with torch.no_grad():
            out = fm(x_val)
            val = F.binary_cross_entropy_with_logits(out, y_val)
            acc = ((out > 0) == y_val.bool()).float().mean()
        print(f"epoch {epoch}: loss {sum(losses) / len(losses):.4f} val loss {val:.4f} val acc {acc:.4f}")
    ceiling = (bayes[6500:] == y_val).float().mean()
    print(f"Bayes rule {ceiling:.4f}")
    print(f"score: {(acc / ceiling).item():.4f}")


if __name__ == "__main__":
    main()
