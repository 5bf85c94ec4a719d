"""A two-layer ReLU network on the moons, trained with the SVM "max-margin" loss, L2 regularization and plain SGD by hand.

After demo.ipynb of https://github.com/karpathy/micrograd, with tensors in place of scalar values and a test set.
"""

import sys

import numpy as np
import torch
from sklearn.datasets import make_moons


class MLP:
    def __init__(self, nin, nouts):
        sizes = [nin] + nouts
        self.weights, self.biases = [], []
        for a, b in zip(sizes[:-1], sizes[1:]):
            bound = 1.0 / a**0.5
            self.weights.append(torch.empty(a, b).uniform_(-bound, bound).requires_grad_())
            self.biases.append(torch.zeros(b, requires_grad=True))

    def __call__(self, x):
        for i, (w, b) in enumerate(zip(self.weights, self.biases)):
            x = x @ w + b
            if i < len(self.weights) - 1:
                x = x.relu()
        return x.squeeze(-1)

    def parameters(self):
        return self.weights + self.biases

    def zero_grad(self):
        for p in self.parameters():
            p.grad = None


def loss(model, X, y, alpha=1e-4):
    scores = model(X)
    data_loss = (1 - y * scores).relu().mean()
    reg_loss = alpha * sum((w * w).sum() for w in model.weights)
    accuracy = ((scores > 0) == (y > 0)).float().mean()
    return data_loss + reg_loss, accuracy


def make_data(n, seed):
    X, y = make_moons(n_samples=n, noise=0.1, random_state=seed)
    X = X - np.array([0.5, 0.25])  # the moons centred
    return torch.tensor(X, dtype=torch.float32), torch.tensor(y * 2 - 1, dtype=torch.float32)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    Xtr, ytr = make_data(400, seed)
    Xte, yte = make_data(1000, seed + 1000)

    model = MLP(2, [16, 16, 1])
    print("number of parameters", sum(p.numel() for p in model.parameters()))

    steps = 600
    for k in range(steps):
        idx = torch.randint(len(Xtr), (64,))
        total_loss, acc = loss(model, Xtr[idx], ytr[idx])

        model.zero_grad()
        total_loss.backward()

        learning_rate = 0.5 - 0.45 * k / steps
        with torch.no_grad():
            for p in model.parameters():
                p -= learning_rate * p.grad

        if k % 60 == 0 or k == steps - 1:
            print(f"step {k} loss {total_loss.item():.4f}, accuracy {acc.item() * 100:.1f}%")

    with torch.no_grad():
        train_loss, train_acc = loss(model, Xtr, ytr)
        test_loss, test_acc = loss(model, Xte, yte)
    print(f"train loss {train_loss.item():.4f} accuracy {train_acc.item():.4f}")
    print(f"test loss {test_loss.item():.4f} accuracy {test_acc.item():.4f}")
    print(f"score: {test_acc.item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
