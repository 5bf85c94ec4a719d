"""Malignant or benign (the bundled breast cancer data) by stochastic gradient Langevin dynamics: noise is added to each
step on purpose, so the loss never settles; forty networks along the chain are kept and their probabilities averaged.
"""

import math
import sys

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.set_num_threads(1)


def potential(model, x, y, n, prior=1.0):
    fit = nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y) * n
    return fit + 0.5 * prior * sum(p.pow(2).sum() for p in model.parameters())


@torch.no_grad()
def langevin_step(model, rate):
    for p in model.parameters():
        p.add_(-0.5 * rate * p.grad + math.sqrt(rate) * torch.randn_like(p))


def main(seed):
    torch.manual_seed(seed)
    data, target = load_breast_cancer(return_X_y=True)
    x, x_test, y, y_test = train_test_split(data, target, test_size=0.35, stratify=target, random_state=seed)
    scaler = StandardScaler().fit(x)
    x, x_test = (torch.tensor(scaler.transform(a), dtype=torch.float32) for a in (x, x_test))
    y = torch.tensor(y, dtype=torch.float32)
    model = nn.Sequential(nn.Linear(30, 16), nn.Tanh(), nn.Linear(16, 1))
    samples, steps = [], 6000
    for step in range(steps):
        rate = 3e-3 * (1 + step / 200) ** -0.55
        idx = torch.randint(0, len(x), (64,))
        model.zero_grad()
        energy = potential(model, x[idx], y[idx], len(x))
        energy.backward()
        langevin_step(model, rate)
        if step >= 2000 and step % 100 == 0:
            with torch.no_grad():
                samples.append(torch.sigmoid(model(x_test).squeeze(1)))
        if step % 500 == 0:
            print(f"step {step} potential {energy.item():.1f} rate {rate:.1e} kept {len(samples)}")
    mean = torch.stack(samples).mean(0).numpy()
    single = samples[-1].numpy()
    print(f"auc {roc_auc_score(y_test, mean):.4f}; log loss of one {log_loss(y_test, single):.4f}")
    print(f"score: {-log_loss(y_test, mean):.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
