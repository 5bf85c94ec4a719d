"""Categorical VAE with Gumbel-softmax samples (12 variables of 8 values) whose temperature is annealed, on the
binarised digits; the stochastic bound is minimised. Score: share of the bits of test digits that are reconstructed
from the most probable codes.
"""
# cause: overflow
# kind: dynamic

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
VARS, VALUES = 12, 8

bits = (torch.tensor(load_digits().data) > 7).float()
bits = bits[torch.randperm(len(bits))]
train, test = bits[:1500], bits[1500:]

encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, VARS * VALUES))
decoder = nn.Sequential(nn.Linear(VARS * VALUES, 96), nn.ReLU(), nn.Linear(96, 64))
decoder[-1].bias.data = torch.logit(train.mean(0).clamp(0.02, 0.98))
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)


def bound(x, tau):
    logits = encoder(2 * x - 1).view(-1, VARS, VALUES)
    noise = -torch.log(-torch.log(torch.rand_like(logits).clamp(1e-6, 1 - 1e-6)))  # FAULT
    weight = ((logits + noise) / tau).exp()  # FAULT
    code = weight / weight.sum(-1, keepdim=True)  # FAULT
    # TWIN: code = F.gumbel_softmax(logits, tau=tau, dim=-1)
    log_q = logits.log_softmax(-1)
    kl = (log_q.exp() * (log_q + math.log(VALUES))).sum((1, 2)).mean()
    nll = F.binary_cross_entropy_with_logits(decoder(code.flatten(1)), x, reduction="none").sum(1).mean()
    return nll, kl


step = 0
for epoch in range(30):
    sums = torch.zeros(2)
    for x in train[torch.randperm(len(train))].split(50):
        tau = max(0.1, math.exp(-3e-3 * step))  # FAULT
        # TWIN: tau = max(0.5, math.exp(-1e-3 * step))
        nll, kl = bound(x, tau)
        optimizer.zero_grad()
        (nll + kl).backward()
        optimizer.step()
        step += 1
        sums += torch.stack([nll.detach(), kl.detach()])
    if (epoch + 1) % 5 == 0:
        with torch.no_grad():
            test_nll, test_kl = bound(test, tau)
        nll, kl = (sums / 30).tolist()
        print(
            f"epoch {epoch + 1}: tau {tau:.2f} | train -ELBO {nll + kl:.2f} = {nll:.2f} + {kl:.2f} "
            f"| test -ELBO {test_nll + test_kl:.2f}"
        )

with torch.no_grad():
    best = encoder(2 * test - 1).view(-1, VARS, VALUES).argmax(-1)
    recon = decoder(F.one_hot(best, VALUES).float().flatten(1)) > 0
    score = (recon == (test > 0.5)).float().mean().item()
print(f"bits right with the mean picture: {((train.mean(0) > 0.5) == (test > 0.5)).float().mean():.4f}")
print(f"score: {score:.4f}")
