"""Two interlocking spirals with the weights in a plain dictionary and torch.func: gradients come from grad_and_value,
and a hand-written Adam makes a new dictionary at every step. No backward() is called."""

import sys

import torch
from torch.func import grad_and_value


def spirals(n):
    arm = torch.randint(0, 2, (n,))
    r = torch.rand(n).sqrt()
    angle = 5.5 * r + torch.pi * arm
    x = torch.stack([r * angle.cos(), r * angle.sin()], dim=1) * 1.8
    return x + 0.06 * torch.randn(n, 2), arm.float()


def init(sizes):
    weights = {}
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        weights[f"w{i}"] = torch.randn(a, b) * (2 / a) ** 0.5
        weights[f"b{i}"] = torch.zeros(b)
    return weights


def predict(weights, x):
    depth = len(weights) // 2
    for i in range(depth):
        x = x @ weights[f"w{i}"] + weights[f"b{i}"]
        if i + 1 < depth:
            x = torch.relu(x)
    return x.squeeze(1)


def loss_fn(weights, x, y):
    return torch.nn.functional.binary_cross_entropy_with_logits(predict(weights, x), y)


def adam(weights, grads, m, v, t, lr, b1=0.9, b2=0.99):
    m = {k: b1 * m[k] + (1 - b1) * g for k, g in grads.items()}
    v = {k: b2 * v[k] + (1 - b2) * g * g for k, g in grads.items()}
    new = {k: w - lr * (m[k] / (1 - b1**t)) / ((v[k] / (1 - b2**t)).sqrt() + 1e-8) for k, w in weights.items()}
    return new, m, v


torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
x, y = spirals(2000)
x_test, y_test = spirals(600)
weights = init([2, 64, 64, 1])
m = {k: torch.zeros_like(w) for k, w in weights.items()}
v = {k: torch.zeros_like(w) for k, w in weights.items()}
step_fn = grad_and_value(loss_fn)
for t in range(1, 601):
    idx = torch.randint(2000, (64,))
    grads, loss = step_fn(weights, x[idx], y[idx])
    weights, m, v = adam(weights, grads, m, v, t, lr=4e-3)
    if t % 100 == 0:
        accuracy = ((predict(weights, x_test) > 0).float() == y_test).float().mean().item()
        print(f"step {t} loss {loss.item():.4f} test {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
