"""A two-layer net with plain tensors on spirals: functional forward, Nesterov by hand, search over a few settings.

After CS231n, assignment 2 (PyTorch.ipynb, "Barebones PyTorch") and the spiral case study,
https://cs231n.github.io/neural-networks-case-study/
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
K = 3


def spirals(n, rng):
    """Three interleaved arms in the plane, n points each."""
    X, y = np.zeros((n * K, 2)), np.zeros(n * K, dtype=np.int64)
    for j in range(K):
        r = rng.uniform(0.05, 1.0, n)
        t = j * 2 * np.pi / K + 4.0 * r + rng.normal(0, 0.2, n)
        X[n * j : n * (j + 1)] = np.c_[r * np.sin(t), r * np.cos(t)]
        y[n * j : n * (j + 1)] = j
    return torch.tensor(X, dtype=torch.float32), torch.tensor(y)


def random_weight(shape, gen):
    """Kaiming normal; fan-in is the first dimension."""
    return (torch.randn(shape, generator=gen) * np.sqrt(2.0 / shape[0])).requires_grad_()


def zero_weight(n):
    return torch.zeros(n, requires_grad=True)


def two_layer_fc(x, params):
    w1, b1, w2, b2 = params
    return F.relu(x @ w1 + b1) @ w2 + b2


@torch.no_grad()
def check_accuracy(x, y, params):
    return (two_layer_fc(x, params).argmax(1) == y).float().mean().item()


def train(x, y, x_val, y_val, hidden, learning_rate, reg, epochs, gen, verbose=False):
    params = [random_weight((2, hidden), gen), zero_weight(hidden), random_weight((hidden, K), gen), zero_weight(K)]
    optimizer = torch.optim.SGD(params, lr=learning_rate, momentum=0.9, nesterov=True)
    batch, history = 100, []
    for epoch in range(epochs):
        for idx in torch.randperm(len(x), generator=gen).split(batch):
            scores = two_layer_fc(x[idx], params)
            data_loss = F.cross_entropy(scores, y[idx])
            loss = data_loss + 0.5 * reg * (params[0].pow(2).sum() + params[2].pow(2).sum())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] *= 0.97
        history.append(check_accuracy(x_val, y_val, params))
        if verbose and epoch % 10 == 0:
            print(f"  epoch {epoch}, loss = {loss.item():.4f}, val accuracy = {history[-1]:.4f}")
    return params, history[-1]


def main(seed):
    rng = np.random.default_rng(seed)
    gen = torch.Generator().manual_seed(seed)
    x_train, y_train = spirals(200, rng)
    x_val, y_val = spirals(100, rng)
    x_test, y_test = spirals(300, rng)
    mean, std = x_train.mean(0), x_train.std(0)
    x_train, x_val, x_test = ((x - mean) / std for x in (x_train, x_val, x_test))

    best, best_val = None, -1.0
    for learning_rate in (0.1, 0.3):
        for reg in (1e-4, 1e-3):
            params, val = train(x_train, y_train, x_val, y_val, 100, learning_rate, reg, 50, gen, verbose=reg == 1e-3)
            print(f"lr {learning_rate} reg {reg}: val accuracy {val:.4f}")
            if val > best_val:
                best, best_val = params, val
    print(f"best validation accuracy {best_val:.4f}")
    print(f"score: {check_accuracy(x_test, y_test, best):.4f}")  # a linear classifier gets about a half


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
