"""Fits a straight line to points drawn anew at every step, with autograd and an update written by hand.

After https://github.com/chenyuntc/pytorch-book/issues/138
"""
# cause: summed-loss
# accept: learning-rate-too-high
# kind: dynamic

import sys

import torch as t


def get_x_y(size=30):
    x = t.rand(size, 1) * 20
    y = x * 2 + (1 + t.rand(size, 1)) * 3
    return x, y


def main(seed):
    t.manual_seed(seed)
    t.set_num_threads(1)

    w = t.rand(1, 1, requires_grad=True)
    b = t.zeros(1, 1, requires_grad=True)
    lr = 0.001

    for step in range(1500):
        x, y = get_x_y()
        y_pred = x.mm(w) + b.expand_as(y)

        loss = 0.5 * (y_pred - y) ** 2
        loss = loss.sum()  # FAULT
        # TWIN: loss = loss.mean()
        loss.backward()

        with t.no_grad():
            w.sub_(lr * w.grad)
            b.sub_(lr * b.grad)
        w.grad.zero_()
        b.grad.zero_()

        if step % 100 == 0 or step == 1499:
            print("step", step, "loss", loss.item(), "w", w.item(), "b", b.item())

    x, y = get_x_y(500)
    with t.no_grad():
        y_pred = x.mm(w) + b.expand_as(y)
        r2 = 1 - ((y - y_pred) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    print(f"line: y = {w.item():.3f} x + {b.item():.3f}")
    print(f"score: {t.nan_to_num(r2, nan=-1.0).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
