"""Stein variational gradient descent: forty particles of a Bayesian logistic regression are pushed towards the
posterior; the direction is written into .grad by hand and AdaGrad takes the step. Score: test accuracy of the mean.
"""

import math
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, y = load_breast_cancer(return_X_y=True)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.3, random_state=seed, stratify=y)
scaler = StandardScaler().fit(X_tr)
with_bias = [F.pad(torch.tensor(scaler.transform(a), dtype=torch.float32), (0, 1), value=1.0) for a in (X_tr, X_te)]
X_tr, X_te = with_bias
y_tr, y_te = torch.tensor(y_tr, dtype=torch.float32), torch.tensor(y_te, dtype=torch.float32)


def log_posterior(theta, x, y, scale):
    logits = x @ theta.T  # (batch, particles)
    log_lik = -F.binary_cross_entropy_with_logits(logits, y[:, None].expand_as(logits), reduction="none").sum(0)
    return scale * log_lik - 0.5 * (theta**2).sum(1)


def stein_direction(theta, score):
    sq = torch.cdist(theta, theta) ** 2
    h = sq.median() / math.log(len(theta) + 1)
    kernel = torch.exp(-sq / h)
    repulsion = 2 / h * (theta * kernel.sum(1, keepdim=True) - kernel @ theta)
    return (kernel @ score + repulsion) / len(theta)


def predict(theta, x):
    return torch.sigmoid(x @ theta.T).mean(dim=1)


particles = torch.nn.Parameter(0.3 * torch.randn(40, X_tr.shape[1]))
optimizer = torch.optim.Adagrad([particles], lr=0.1)
for step in range(1, 601):
    rows = torch.randperm(len(X_tr))[:100]
    logp = log_posterior(particles, X_tr[rows], y_tr[rows], scale=len(X_tr) / 100)
    (score,) = torch.autograd.grad(logp.sum(), particles)
    particles.grad = -stein_direction(particles.detach(), score)
    optimizer.step()
    if step % 60 == 0:
        with torch.no_grad():
            test_nll = F.binary_cross_entropy(predict(particles, X_te), y_te).item()
            spread = particles.std(0).mean().item()
        print(f"step {step}: mean log posterior {logp.mean().item():.1f}, test nll {test_nll:.4f}, spread {spread:.3f}")

accuracy = ((predict(particles.detach(), X_te) > 0.5).float() == y_te).float().mean().item()
print(f"score: {accuracy:.4f}")
