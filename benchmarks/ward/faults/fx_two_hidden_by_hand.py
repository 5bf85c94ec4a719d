"""A network with two hidden layers written by hand, to understand what gradient descent does to the weights: two inputs, two outputs.

After https://datascience.stackexchange.com/questions/79607/why-my-weights-are-being-the-same
"""
# cause: symmetric-initialization
# kind: dynamic

import sys

import numpy as np
import torch


def observations(n, rng):
    """Points of a square; the first output says whether a point is in a ring, the second whether its signs differ."""
    x = rng.uniform(-1, 1, size=(n, 2))
    radius = np.hypot(x[:, 0], x[:, 1])
    y = np.stack([(radius > 0.4) & (radius < 0.95), x[:, 0] * x[:, 1] < 0], axis=1)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


def with_bias(a):
    """The biases are the first row of every weight matrix, so a one goes in front of every observation."""
    return torch.cat([torch.ones(len(a), 1), a], dim=1)


def sigma(z):
    return 1 / (1 + torch.exp(-z))


def forward(x, w0, w1, w2):
    a1 = torch.tanh(with_bias(x) @ w0)
    a2 = torch.tanh(with_bias(a1) @ w1)
    a3 = sigma(with_bias(a2) @ w2)
    return a1, a2, a3


def cost(a3, y):
    eps = 1e-7
    return -(y * torch.log(a3 + eps) + (1 - y) * torch.log(1 - a3 + eps)).sum(1).mean()


def create_weights(sizes):
    weights = []
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        w = torch.ones(1 + fan_in, fan_out)  # FAULT
        # TWIN: w = torch.randn(1 + fan_in, fan_out) / fan_in ** 0.5
        weights.append(w.requires_grad_())
    return weights


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    x_train, y_train = observations(400, rng)
    x_test, y_test = observations(400, rng)

    weights = create_weights([2, 16, 16, 2])
    optimizer = torch.optim.SGD(weights, lr=0.1, momentum=0.9)

    for step in range(1400):
        error = cost(forward(x_train, *weights)[2], y_train)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        if step % 100 == 0:
            with torch.no_grad():
                test_error = cost(forward(x_test, *weights)[2], y_test)
            print(f"step {step}: cost {error.item():.4f}  test cost {test_error.item():.4f}")

    print("first rows of the second matrix:")
    print(weights[1].detach()[1:4, :4])
    predicted = (forward(x_test, *weights)[2] > 0.5).float()
    accuracy = (predicted == y_test).float().mean().item()
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
