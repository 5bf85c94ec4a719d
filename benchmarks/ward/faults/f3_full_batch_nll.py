"""Full-batch gradient descent on digits written as in a lecture, with the log-likelihood summed over the 1300 images
where the learning rate of 0.5 is one for its mean."""
# cause: summed-loss
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits


def init(n_in, n_out):
    w = torch.randn(n_in, n_out) * (2.0 / n_in) ** 0.5
    return w.requires_grad_(), torch.zeros(n_out, requires_grad=True)


def log_softmax(z):
    return z - z.logsumexp(dim=1, keepdim=True)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    order = np.random.RandomState(seed).permutation(1797)
    digits = load_digits()
    x = torch.tensor(digits.data[order] / 8.0 - 1.0, dtype=torch.float32)
    t = torch.tensor(digits.target[order])
    x, t, x_test, t_test = x[:1300], t[:1300], x[1300:], t[1300:]
    n = len(x)

    w1, b1 = init(64, 40)
    w2, b2 = init(40, 10)
    params = [w1, b1, w2, b2]
    lr = 0.5

    def forward(inputs):
        return log_softmax(torch.tanh(inputs @ w1 + b1) @ w2 + b2)

    for step in range(400):
        log_p = forward(x)
        loss = -log_p[torch.arange(n), t].sum()  # FAULT
        # TWIN: loss = -log_p[torch.arange(n), t].mean()
        loss.backward()
        with torch.no_grad():
            for p in params:
                p -= lr * p.grad
                p.grad = None
        if step % 50 == 0:
            with torch.no_grad():
                accuracy = (forward(x_test).argmax(1) == t_test).float().mean()
            print(f"step {step:3d} loss {loss.item():.4f} accuracy {accuracy.item():.3f}")

    with torch.no_grad():
        accuracy = (forward(x_test).argmax(1) == t_test).float().mean()
    print(f"score: {accuracy.item():.4f}")


if __name__ == "__main__":
    main()
