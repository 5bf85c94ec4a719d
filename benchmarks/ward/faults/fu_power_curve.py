"""Fits y = x**4 on [-100, 100] with a small dense network (sigmoid, ELU, linear) and plots how well the curve is hit.

After https://stackoverflow.com/questions/52800582/why-do-i-fail-to-predict-y-x4-with-keras-y-x3-works
"""
# cause: unscaled-targets
# accept: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def curve(x):
    return x**4


def column(a):
    return torch.tensor(a, dtype=torch.float32).reshape(-1, 1)


def build():
    return nn.Sequential(
        nn.Linear(1, 50),
        nn.Sigmoid(),
        nn.Linear(50, 50),
        nn.ELU(),
        nn.Linear(50, 1),
    )


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)

    x_train = rng.uniform(-100, 100, size=1000)
    y_train = curve(x_train)
    x_test = rng.uniform(-100, 100, size=300)
    y_test = curve(x_test)

    x_mean, x_scale = 0.0, 1.0  # FAULT
    y_mean, y_scale = 0.0, 1.0  # FAULT
    # TWIN: x_mean, x_scale = x_train.mean(), x_train.std()
    # TWIN: y_mean, y_scale = y_train.mean(), y_train.std()

    train = TensorDataset(column((x_train - x_mean) / x_scale), column((y_train - y_mean) / y_scale))
    loader = DataLoader(train, batch_size=50, shuffle=True)

    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    loss_fn = nn.MSELoss()

    for epoch in range(1, 71):
        model.train()
        running = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            optimizer.step()
            running += loss.item()
        if epoch % 10 == 0:
            print(f"Epoch {epoch}/70 - loss: {running / len(loader):.6g}")

    model.eval()
    with torch.no_grad():
        predicted = model(column((x_test - x_mean) / x_scale)).numpy().ravel() * y_scale + y_mean
    for i in range(5):
        print(f"x = {x_test[i]:8.2f}   y = {y_test[i]:14.1f}   predicted = {predicted[i]:14.1f}")
    r2 = 1 - ((y_test - predicted) ** 2).sum() / ((y_test - y_test.mean()) ** 2).sum()
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
