"""Porting my first Flux model to PyTorch: a chain of dense layers that should learn the square of a number.

After https://discourse.julialang.org/t/simple-flux-model-not-learning/30138
"""
# cause: missing-nonlinearity
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn


def Chain(*layers):
    return nn.Sequential(*layers)


def make_data(n, rng):
    x = rng.uniform(-10, 10, size=(n, 1)).astype("float32")
    y = x**2
    # bring both to about [-1, 1]
    return torch.from_numpy(x / 10), torch.from_numpy(y / 50 - 1)


def loss_fn(model, x, y):
    return ((model(x) - y) ** 2).mean()


def train(loss, model, data, opt):
    total = 0.0
    for x, y in data:
        opt.zero_grad()
        value = loss(model, x, y)
        value.backward()
        opt.step()
        total += value.item()
    return total / len(data)


def main(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    torch.set_num_threads(1)

    train_x, train_y = make_data(1000, rng)
    test_x, test_y = make_data(200, rng)

    model = Chain(  # FAULT
        nn.Linear(1, 32),  # FAULT
        nn.Linear(32, 32),  # FAULT
        nn.Linear(32, 1),  # FAULT
    )  # FAULT
    # TWIN: model = Chain(
    # TWIN:     nn.Linear(1, 32),
    # TWIN:     nn.ReLU(),
    # TWIN:     nn.Linear(32, 32),
    # TWIN:     nn.ReLU(),
    # TWIN:     nn.Linear(32, 1),
    # TWIN: )
    opt = torch.optim.Adam(model.parameters(), lr=0.005)

    for epoch in range(1, 31):
        order = torch.randperm(len(train_x))
        data = [(train_x[i], train_y[i]) for i in order.split(50)]
        mean_loss = train(loss_fn, model, data, opt)
        if epoch % 5 == 0:
            with torch.no_grad():
                held_out = loss_fn(model, test_x, test_y).item()
            print(f"epoch {epoch:3d}  loss {mean_loss:.5f}  test loss {held_out:.5f}")

    with torch.no_grad():
        predicted = model(test_x)
    for x, p in list(zip(test_x, predicted))[:5]:
        print(f"{x.item() * 10:6.2f}^2 = {(x.item() * 10) ** 2:6.2f}   model says {(p.item() + 1) * 50:6.2f}")
    r2 = 1 - ((predicted - test_y) ** 2).sum() / ((test_y - test_y.mean()) ** 2).sum()
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
