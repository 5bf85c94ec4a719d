"""Distil the digits into 20 synthetic pictures (two per class) and their step size.

The pictures are learned by backpropagating through ten gradient steps of a freshly initialised softmax classifier
(Wang et al. 2018).  Score: real test accuracy of new classifiers that have only seen the synthetic pictures.
"""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)

data, target = load_digits(return_X_y=True)
parts = train_test_split((data - data.mean()) / data.std(), target, test_size=0.3, random_state=SEED, stratify=target)
real_x, test_x = (torch.tensor(a, dtype=torch.float32) for a in parts[:2])
real_y, test_y = (torch.tensor(a) for a in parts[2:])

synthetic_y = torch.arange(10).repeat(2)
synthetic_x = torch.randn(20, 64).mul_(0.5).requires_grad_()
log_lr = torch.tensor(-2.0, requires_grad=True)


def new_classifier():
    return [(0.1 * torch.randn(10, 64)).requires_grad_(), torch.zeros(10, requires_grad=True)]


def train_on_synthetic(weights, steps=10, create_graph=False):
    for _ in range(steps):
        loss = F.cross_entropy(F.linear(synthetic_x, *weights), synthetic_y)
        grads = torch.autograd.grad(loss, weights, create_graph=create_graph)
        weights = [w - log_lr.exp() * g for w, g in zip(weights, grads)]
    return weights


def real_accuracy(repeats=10):
    scores = []
    for _ in range(repeats):
        weight, bias = train_on_synthetic(new_classifier())
        scores.append((F.linear(test_x, weight, bias).argmax(1) == test_y).float().mean())
    return torch.stack(scores).mean().item()


print(f"random pictures: {real_accuracy():.4f}")
outer = torch.optim.Adam([{"params": [synthetic_x], "lr": 0.02}, {"params": [log_lr], "lr": 0.01}])
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(outer, T_max=400)
for it in range(400):
    weights = train_on_synthetic(new_classifier(), create_graph=True)
    batch = torch.randint(len(real_x), (256,))
    meta_loss = F.cross_entropy(F.linear(real_x[batch], *weights), real_y[batch])
    outer.zero_grad()
    meta_loss.backward()
    outer.step()
    schedule.step()
    if it % 80 == 79:
        print(f"iteration {it + 1}: meta loss {meta_loss.item():.4f}, inner step size {log_lr.exp().item():.4f}")

print(f"score: {real_accuracy():.4f}")
