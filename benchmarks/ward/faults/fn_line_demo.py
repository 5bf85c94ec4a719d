"""Linear regression by hand for a set of learning notes: y = w x + b on a hundred noisy points,
the derivatives from autograd.

After https://github.com/greebear/pytorch-learning/issues/1
"""
# cause: missing-zero-grad
# kind: dynamic

import sys

import torch


def make_dataset(n):
    x = torch.linspace(0, 2, n).unsqueeze(1)
    y = 3.0 * x + 1.5 + 0.2 * torch.randn(n, 1)
    return x, y


def linear_model(x, w, b):
    return x * w + b


def get_loss(y_, y):
    return torch.mean((y_ - y) ** 2)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)

    x_all, y_all = make_dataset(130)
    order = torch.randperm(130)
    x_train, y_train = x_all[order[:100]], y_all[order[:100]]
    x_test, y_test = x_all[order[100:]], y_all[order[100:]]

    w = torch.randn(1, requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    lr = 0.02

    for e in range(800):
        y_ = linear_model(x_train, w, b)
        loss = get_loss(y_, y_train)
        loss.backward()

        w.data = w.data - lr * w.grad.data
        b.data = b.data - lr * b.grad.data
        # TWIN: w.grad.zero_()
        # TWIN: b.grad.zero_()

        if e % 40 == 0 or e == 799:
            print(f"epoch: {e}, loss: {loss.item():.4f}, w: {w.item():.3f}, b: {b.item():.3f}")

    with torch.no_grad():
        y_ = linear_model(x_test, w, b)
        test_loss = get_loss(y_, y_test).item()
    print(f"test loss: {test_loss:.4f}")
    r2 = 1 - test_loss / y_test.var(unbiased=False).item()
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
