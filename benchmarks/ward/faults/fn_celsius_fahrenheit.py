"""Learns the conversion from Celsius to Fahrenheit from noisy examples, with plain gradient descent
written by hand on top of autograd (one weight and one bias).

After a thread of forums.fast.ai, "Help with Simple (Celsius to F) Linear Regression using PyTorch"
(Part 1 (2018), July 2018; seen in the collection nvidia/Nemotron-CC-Math-v1)
"""
# cause: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch


def c_to_f(c):
    return 1.8 * c + 32.0


def make_data(rng, n):
    celsius = rng.uniform(-500, 500, size=(n, 1)).astype(np.float32)
    fahrenheit = (c_to_f(celsius) + rng.normal(0, 0.3, size=(n, 1))).astype(np.float32)
    return torch.from_numpy(celsius), torch.from_numpy(fahrenheit)


def mse(y_hat, y):
    return ((y_hat - y) ** 2).mean()


def main(seed):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)

    x_train, y_train = make_data(rng, 2000)
    x_valid, y_valid = make_data(rng, 400)

    middle, spread = torch.tensor(0.0), torch.tensor(1.0)  # FAULT
    lr = 1e-5  # FAULT
    # TWIN: middle, spread = x_train.mean(), x_train.std()
    # TWIN: lr = 1e-2
    x_train = (x_train - middle) / spread
    x_valid = (x_valid - middle) / spread

    w = torch.randn(1, requires_grad=True)
    b = torch.randn(1, requires_grad=True)

    for epoch in range(1500):
        y_hat = w * x_train + b
        loss = mse(y_hat, y_train)
        loss.backward()

        with torch.no_grad():
            w -= lr * w.grad
            b -= lr * b.grad
        w.grad.zero_()
        b.grad.zero_()

        if epoch % 150 == 0 or epoch == 1499:
            with torch.no_grad():
                valid = mse(w * x_valid + b, y_valid)
            print(
                f"epoch {epoch:4d}  train {loss.item():12.4f}  valid {valid.item():12.4f}  w {w.item():9.4f}  b {b.item():8.4f}"
            )

    with torch.no_grad():
        error = (w * x_valid + b - y_valid).abs()
    print(f"mean error in degrees: {error.mean().item():.3f}")
    within = (error < 1.5).float().mean().item()
    print("share of the validation temperatures predicted to within 1.5 degrees F:")
    print(f"score: {within:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
