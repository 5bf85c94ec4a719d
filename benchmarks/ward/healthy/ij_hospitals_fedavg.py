"""Federated averaging over ten hospitals with unlike case mixes (digits as stand-in scans): each round a fresh SGD per
hospital on a copy, then the weighted mean of the copies. Score: test accuracy of the shared model.
"""

import copy
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)


def split_by_dirichlet(labels, clients, alpha, rng):
    shares = [[] for _ in range(clients)]
    for c in range(10):
        idx = rng.permutation(np.flatnonzero(labels == c))
        cuts = (rng.dirichlet([alpha] * clients).cumsum()[:-1] * len(idx)).astype(int)
        for share, part in zip(shares, np.split(idx, cuts)):
            share.extend(part.tolist())
    return [torch.tensor(s) for s in shares if len(s) >= 8]


def local_training(model, x, y, epochs=2, lr=0.1):
    local = copy.deepcopy(model)
    local.train()
    opt = torch.optim.SGD(local.parameters(), lr=lr)
    for _ in range(epochs):
        for idx in torch.randperm(len(x)).split(16):
            opt.zero_grad()
            F.cross_entropy(local(x[idx]), y[idx]).backward()
            opt.step()
    return local.state_dict()


def average(states, weights):
    total = sum(weights)
    return {k: sum(w / total * s[k] for s, w in zip(states, weights)) for k in states[0]}


def main(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    digits = load_digits()
    perm = rng.permutation(len(digits.target))
    x = torch.tensor(digits.data[perm] / 8 - 1, dtype=torch.float32).view(-1, 1, 8, 8)
    y = torch.tensor(digits.target[perm])
    x_test, y_test = x[1400:], y[1400:]
    hospitals = split_by_dirichlet(y[:1400].numpy(), 10, 0.8, rng)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(256, 32), nn.ReLU(), nn.Linear(32, 10),
    )  # fmt: skip
    for r in range(1, 16):
        chosen = rng.choice(len(hospitals), 6, replace=False)
        states = [local_training(model, x[hospitals[c]], y[hospitals[c]]) for c in chosen]
        model.load_state_dict(average(states, [len(hospitals[c]) for c in chosen]))
        model.eval()
        with torch.no_grad():
            logits = model(x_test)
        acc = (logits.argmax(1) == y_test).float().mean().item()
        print(f"round {r}: test loss {F.cross_entropy(logits, y_test).item():.4f} accuracy {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
