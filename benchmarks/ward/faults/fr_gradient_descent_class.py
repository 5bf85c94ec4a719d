"""Linear regression y = m x + c by gradient descent, wrapped in a class with a learning rate and a number of
iterations; x runs over a range of a hundred.

After https://mejorcodigo.com/p/45698.html (a Stack Overflow mirror)
"""
# cause: unscaled-inputs
# accept: learning-rate-too-high
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn


class LinearRegression:
    def __init__(self, lr=0.01, iter=1000):
        self.lr = lr
        self.iter = iter

    def gradient_descent(self, y, x):
        optimizer = torch.optim.SGD(self.line.parameters(), lr=self.lr)
        criterion = nn.MSELoss()
        for i in range(self.iter):
            yhat = self.line(x)
            loss = criterion(yhat, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if i < 5 or i % 200 == 0 or i == self.iter - 1:
                dlw, dlc = self.line.weight.grad.item(), self.line.bias.grad.item()
                print(f"iteration {i:4d}  loss {loss.item():.4g}  dlw {dlw:.4g}  dlc {dlc:.4g}")

    def run(self, y, x):
        self.m, self.n = x.shape  # examples, features
        self.line = nn.Linear(self.n, 1)
        nn.init.zeros_(self.line.weight)
        nn.init.zeros_(self.line.bias)
        self.gradient_descent(y, x)
        return self.line.weight.item(), self.line.bias.item()

    def predict(self, x):
        with torch.no_grad():
            return self.line(x)


def r_squared(y, yhat):
    return 1.0 - (((y - yhat) ** 2).sum() / ((y - y.mean()) ** 2).sum()).item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)

    x = rng.random((500, 1)) * 100
    y = 5 * x + 3 + rng.standard_normal((500, 1)) * 0.1
    x_train, y_train = x[:400], y[:400]
    x_test, y_test = x[400:], y[400:]
    # TWIN: mean, std = x_train.mean(), x_train.std()
    # TWIN: x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    x_train, y_train, x_test, y_test = (
        torch.tensor(a, dtype=torch.float32) for a in (x_train, y_train, x_test, y_test)
    )
    print(x_train.shape)

    algorithm = LinearRegression()
    w, c = algorithm.run(y_train, x_train)
    print("w", w, "c", c)

    r2 = r_squared(y_test, algorithm.predict(x_test))
    print("R2 on the held-out points:", r2)
    print(f"score: {max(-1.0, r2):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
