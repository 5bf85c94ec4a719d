"""Lab exercise: a two-layer softmax classifier of the wine data without nn.Module, the update written by hand.

After the first half of "What is torch.nn really?" (https://pytorch.org/tutorials/beginner/nn_tutorial.html) and
the usual first lab of university courses, which ask for it in the same way.
"""

import math
import sys

import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def log_softmax(x):
    return x - x.logsumexp(dim=1, keepdim=True)


def nll(log_probs, target):
    return -log_probs[torch.arange(len(target)), target].mean()


def init_params(n_in, n_hidden, n_out, generator):
    w1 = torch.randn(n_in, n_hidden, generator=generator) / math.sqrt(n_in)
    b1 = torch.zeros(n_hidden)
    w2 = torch.randn(n_hidden, n_out, generator=generator) / math.sqrt(n_hidden)
    b2 = torch.zeros(n_out)
    params = [w1, b1, w2, b2]
    for p in params:
        p.requires_grad_()
    return params


def model(params, xb):
    w1, b1, w2, b2 = params
    h = torch.tanh(xb @ w1 + b1)
    return log_softmax(h @ w2 + b2)


@torch.no_grad()
def accuracy(params, x, y):
    return (model(params, x).argmax(1) == y).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    g = torch.Generator().manual_seed(seed)

    x, y = load_wine(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(x_train)
    x_train = torch.tensor(scaler.transform(x_train), dtype=torch.float32)
    x_test = torch.tensor(scaler.transform(x_test), dtype=torch.float32)
    y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

    params = init_params(13, 16, 3, g)
    print(
        f"before training: loss {nll(model(params, x_train), y_train).item():.3f}, "
        f"accuracy {accuracy(params, x_train, y_train):.3f}"
    )

    lr, weight_decay, bs, epochs = 0.1, 1e-3, 16, 30
    n = len(x_train)
    for epoch in range(epochs):
        perm = torch.randperm(n, generator=g)
        total = 0.0
        for i in range(0, n, bs):
            idx = perm[i : i + bs]
            loss = nll(model(params, x_train[idx]), y_train[idx])
            loss.backward()
            with torch.no_grad():
                for p in params:
                    p -= lr * (p.grad + weight_decay * p)
                    p.grad.zero_()
            total += loss.item() * len(idx)
        if epoch % 5 == 4:
            print(
                f"epoch {epoch + 1:2d}: train loss {total / n:.4f}, train acc {accuracy(params, x_train, y_train):.3f}"
            )

    print(f"score: {accuracy(params, x_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
