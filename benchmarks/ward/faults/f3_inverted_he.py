"""Regression on Friedman's function with home-made layers, "He" scaling written upside down: sqrt(n_in / 2) instead of
sqrt(2 / n_in), so that the first outputs are in the thousands."""
# cause: bad-initialization
# kind: dynamic

import math
import sys

import torch
from sklearn.datasets import make_friedman1


class Dense:
    def __init__(self, n_in, n_out, act=None):
        scale = math.sqrt(n_in / 2)  # FAULT
        # TWIN: scale = math.sqrt(2 / n_in)
        self.w = (torch.randn(n_in, n_out) * scale).requires_grad_()
        self.b = torch.zeros(n_out).requires_grad_()
        self.act = act

    def __call__(self, x):
        z = x @ self.w + self.b
        return z if self.act is None else self.act(z)

    def params(self):
        return [self.w, self.b]


def r2(pred, target):
    return 1.0 - ((pred - target) ** 2).sum().item() / ((target - target.mean()) ** 2).sum().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    X, y = make_friedman1(n_samples=1500, n_features=10, noise=0.5, random_state=seed)
    X = torch.tensor(X, dtype=torch.float32) * 2 - 1
    y = torch.tensor(y, dtype=torch.float32).unsqueeze(1)
    y = (y - y[:1100].mean()) / y[:1100].std()
    Xtr, ytr, Xte, yte = X[:1100], y[:1100], X[1100:], y[1100:]

    layers = [Dense(10, 64, torch.relu), Dense(64, 64, torch.relu), Dense(64, 1)]

    def predict(inputs):
        for layer in layers:
            inputs = layer(inputs)
        return inputs

    optimizer = torch.optim.Adam([p for layer in layers for p in layer.params()], lr=3e-3)
    for epoch in range(30):
        for idx in torch.randperm(len(Xtr)).split(50):
            loss = ((predict(Xtr[idx]) - ytr[idx]) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if (epoch + 1) % 5 == 0:
            with torch.no_grad():
                print(f"epoch {epoch + 1}: batch loss {loss.item():.5g}, val R2 {r2(predict(Xte), yte):.4f}")
    with torch.no_grad():
        print(f"score: {r2(predict(Xte), yte):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
