"""The simple linear regression of a beginners' course: one input, one output, noise around the line y = x.

After https://github.com/pytorch/pytorch/issues/23142
"""
# cause: learning-rate-too-high
# accept: unscaled-inputs
# kind: dynamic

import sys

import torch
import torch.nn as nn


class LR(nn.Module):
    def __init__(self, input_size, output_size):
        super().__init__()
        self.linear = nn.Linear(input_size, output_size)

    def forward(self, x):
        return self.linear(x)


def make_points(n):
    X = torch.randn(n, 1) * 10
    y = X + 3 * torch.randn(n, 1)
    return X, y


def r2(y_pred, y):
    value = 1 - ((y - y_pred) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    return torch.nan_to_num(value, nan=-1e9, neginf=-1e9).item()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)

    X, y = make_points(100)
    X_test, y_test = make_points(100)

    model = LR(1, 1)
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.013)  # FAULT
    # TWIN: optimizer = torch.optim.SGD(model.parameters(), lr=0.001)

    epochs = 300
    losses = []
    for i in range(epochs):
        y_pred = model(X)
        loss = criterion(y_pred, y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if i < 10 or i % 30 == 0:
            print("epoch:", i, "loss:", loss.item())

    [w, b] = model.parameters()
    print("w:", w.item(), "b:", b.item())
    model.eval()
    with torch.no_grad():
        print(f"score: {r2(model(X_test), y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
