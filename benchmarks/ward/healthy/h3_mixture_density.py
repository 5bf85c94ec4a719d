"""Mixture density network for an inverse problem (Bishop): x = t + 0.3 sin(2 pi t) + noise, predict t from x, several
t fit one x. Three Gaussians; the score is the mean log likelihood of held-out pairs.
"""

import math
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def make_pairs(n):
    t = torch.rand(n, 1)
    x = t + 0.3 * torch.sin(2 * math.pi * t) + 0.03 * torch.randn(n, 1)
    return 2 * x - 1, 2 * t - 1


class MDN(nn.Module):
    def __init__(self, hidden=32, k=3):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.logits = nn.Linear(hidden, k)
        self.mean = nn.Linear(hidden, k)
        self.log_sigma = nn.Linear(hidden, k)

    def log_prob(self, x, t):
        h = self.body(x)
        log_sigma = self.log_sigma(h).clamp(-5, 2)
        z = (t - self.mean(h)) / log_sigma.exp()
        component = -0.5 * z.square() - log_sigma - 0.5 * math.log(2 * math.pi)
        return torch.logsumexp(torch.log_softmax(self.logits(h), dim=1) + component, dim=1)


x, t = make_pairs(1500)
x_test, t_test = make_pairs(500)
mdn = MDN()
optimizer = torch.optim.Adam(mdn.parameters(), lr=5e-3)
for epoch in range(60):
    mean_nll = 0.0
    for idx in torch.randperm(1500).split(100):
        nll = -mdn.log_prob(x[idx], t[idx]).mean()
        optimizer.zero_grad()
        nll.backward()
        optimizer.step()
        mean_nll += nll.item() / 15
    if (epoch + 1) % 10 == 0:
        print(f"epoch {epoch + 1}: nll {mean_nll:.4f}")

with torch.no_grad():
    score = mdn.log_prob(x_test, t_test).mean().item()
print(f"score: {score:.4f}")
