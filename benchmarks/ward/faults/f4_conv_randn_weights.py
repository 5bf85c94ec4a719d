"""A hand-made digit network whose weights are torch.randn without any scale (as in a from-scratch tutorial)."""
# cause: bad-initialization
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits


def init_params():
    shapes = [(64, 200), (200, 200), (200, 100), (100, 10)]
    params = []
    for fan_in, fan_out in shapes:
        w = torch.randn(fan_in, fan_out)  # FAULT
        # TWIN: w = torch.randn(fan_in, fan_out) * (2 / fan_in) ** 0.5
        b = torch.zeros(fan_out)
        params += [w.requires_grad_(), b.requires_grad_()]
    return params


def forward(params, x):
    for k in range(0, len(params) - 2, 2):
        x = F.relu(x @ params[k] + params[k + 1])
    return x @ params[-2] + params[-1]


def evaluate(params, x, y):
    with torch.no_grad():
        out = forward(params, x)
        return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    digits = load_digits()
    x = torch.tensor(digits.data, dtype=torch.float32)
    x = (x - x.mean()) / x.std()
    y = torch.tensor(digits.target)
    order = torch.randperm(len(x))
    x, y = x[order], y[order]
    x_train, y_train, x_test, y_test = x[:1300], y[:1300], x[1300:], y[1300:]

    params = init_params()
    optimizer = torch.optim.Adam(params, lr=5e-4)
    for epoch in range(12):
        running = 0.0
        for idx in torch.randperm(1300).split(50):
            loss = F.cross_entropy(forward(params, x_train[idx]), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item() / 26
        test_loss, test_acc = evaluate(params, x_test, y_test)
        print(f"epoch {epoch + 1:2d} | train {running:.4f} | test {test_loss:.4f} | acc {test_acc:.4f}")
    print(f"score: {test_acc:.4f}")


if __name__ == "__main__":
    main()
