"""Fits the curve y = x^4 on [-100, 100] with a small dense network (sigmoid, then ELU, then one linear output).

After https://stackoverflow.com/questions/52800582/why-do-i-fail-to-predict-y-x4-with-keras-y-x3-works
"""
# cause: unscaled-targets
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def curve(x):
    return x**4


def build_model():
    return nn.Sequential(
        nn.Linear(1, 50),
        nn.Sigmoid(),
        nn.Linear(50, 50),
        nn.ELU(),
        nn.Linear(50, 1),
    )


def r2_score(y, pred):
    return float(1.0 - ((y - pred) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def fit(model, loader, epochs, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    mse = nn.MSELoss()
    for epoch in range(epochs):
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = mse(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(xb)
        if epoch % 10 == 0 or epoch == epochs - 1:
            print(f"Epoch {epoch + 1}/{epochs} - loss: {total / len(loader.dataset):.6g}")


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)

    x = rng.uniform(-100, 100, size=(1000, 1)).astype("float64")
    y = curve(x)
    x_train, x_test = x[:800], x[800:]
    y_train, y_test = y[:800], y[800:]

    x_mean, x_std = x_train.mean(), x_train.std()
    x_in = torch.tensor((x_train - x_mean) / x_std, dtype=torch.float32)
    x_out = torch.tensor((x_test - x_mean) / x_std, dtype=torch.float32)
    y_in = torch.tensor(y_train, dtype=torch.float32)  # FAULT
    # TWIN: y_mean, y_std = y_train.mean(), y_train.std()
    # TWIN: y_in = torch.tensor((y_train - y_mean) / y_std, dtype=torch.float32)

    loader = DataLoader(
        TensorDataset(x_in, y_in), batch_size=32, shuffle=True, generator=torch.Generator().manual_seed(seed)
    )
    model = build_model()
    fit(model, loader, epochs=60, lr=0.003)

    model.eval()
    with torch.no_grad():
        pred = model(x_out).double().numpy()  # FAULT
        # TWIN: pred = model(x_out).double().numpy() * y_std + y_mean
    for k in range(5):
        print(f"x = {x_test[k, 0]:8.2f}   x^4 = {y_test[k, 0]:14.1f}   predicted = {pred[k, 0]:14.1f}")
    print(f"score: {r2_score(y_test, pred):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
