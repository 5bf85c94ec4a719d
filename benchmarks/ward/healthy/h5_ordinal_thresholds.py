"""Ordinal regression with cumulative logits: one scalar per example and four ordered thresholds (a base and softplus
gaps) give the probabilities of five grades. Judged by exact accuracy.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

n = 4000
X = torch.randn(n, 8)
latent = 1.5 * torch.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.8 * X[:, 3] + 0.3 * torch.randn(n)
edges = torch.quantile(latent, torch.tensor([0.15, 0.4, 0.7, 0.9]))
grade = torch.bucketize(latent, edges)
X_train, X_val, X_test = X.split([2800, 600, 600])
g_train, g_val, g_test = grade.split([2800, 600, 600])


class CumulativeLogits(nn.Module):
    def __init__(self, grades=5):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1))
        self.first = nn.Parameter(torch.tensor(-1.5))
        self.gaps = nn.Parameter(torch.full((grades - 2,), 0.5413))  # softplus of it is one

    def thresholds(self):
        return torch.cat([self.first[None], self.first + F.softplus(self.gaps).cumsum(0)])

    def forward(self, x):
        return self.thresholds() - self.net(x)  # logit of P(grade <= k)


def nll(cum_logits, target):
    below = torch.sigmoid(cum_logits)
    below = torch.cat([torch.zeros(len(below), 1), below, torch.ones(len(below), 1)], 1)
    prob = below.diff(dim=1).gather(1, target[:, None])
    return -prob.clamp(min=1e-6).log().mean()


def predict(cum_logits):
    return (cum_logits < 0).sum(1)


model = CumulativeLogits()
opt = torch.optim.AdamW(model.parameters(), lr=8e-3, weight_decay=0.02)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 20)
for epoch in range(20):
    train_loss = 0.0
    for idx in torch.randperm(2800).split(70):
        loss = nll(model(X_train[idx]), g_train[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        train_loss += loss.item() / 40
    sched.step()
    with torch.no_grad():
        out = model(X_val)
    acc = (predict(out) == g_val).float().mean()
    if epoch % 2 == 1:
        print(f"epoch {epoch + 1}: train nll {train_loss:.4f} | val nll {nll(out, g_val):.4f} | val acc {acc:.4f}")

with torch.no_grad():
    pred = predict(model(X_test))
print("thresholds", [round(t, 2) for t in model.thresholds().tolist()])
print(f"missed by at most one {((pred - g_test).abs() <= 1).float().mean():.4f}")
print(f"score: {(pred == g_test).float().mean():.4f}")
