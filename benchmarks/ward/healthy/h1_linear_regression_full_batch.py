"""Linear regression by full-batch gradient descent with hand-made parameters: one weight vector, one bias, the mean
squared error written out, and the update done inside torch.no_grad(). No optimizer object at all.
"""

import sys

import torch
from sklearn.datasets import make_regression

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

data, target = make_regression(n_samples=800, n_features=8, noise=12.0, bias=30.0, random_state=seed)
x = torch.tensor(data, dtype=torch.float32)
y = torch.tensor(target, dtype=torch.float32)
x_train, x_test, y_train, y_test = x[:600], x[600:], y[:600], y[600:]

y_mean, y_std = y_train.mean(), y_train.std()
t_train = (y_train - y_mean) / y_std

w = torch.zeros(8, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
learning_rate = 0.05

for it in range(1, 501):
    prediction = x_train @ w + b
    mse = ((prediction - t_train) ** 2).mean()
    mse.backward()
    with torch.no_grad():
        w -= learning_rate * w.grad
        b -= learning_rate * b.grad
    w.grad = None
    b.grad = None
    if it % 50 == 0:
        print(f"iteration {it:4d}  mse {mse.item():.5f}")

with torch.no_grad():
    y_hat = (x_test @ w + b) * y_std + y_mean
    r2 = 1 - ((y_test - y_hat) ** 2).sum() / ((y_test - y_test.mean()) ** 2).sum()
print(f"rmse on the test part: {(y_test - y_hat).pow(2).mean().sqrt().item():.3f}")
print(f"score: {r2.item():.5f}")
