"""Forward gradients: no backward pass at all. Every step samples a few random directions, gets the exact directional
derivatives of the loss by forward-mode differentiation and moves along direction times derivative."""

import sys

import torch
from sklearn.datasets import make_moons
from torch import nn
from torch.func import functional_call, jvp, vmap

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

points, labels = make_moons(n_samples=800, noise=0.15, random_state=seed)
x = torch.tensor(points, dtype=torch.float32)
y = torch.tensor(labels)
x = (x - x[:500].mean(0)) / x[:500].std(0)
x_train, y_train, x_test, y_test = x[:500], y[:500], x[500:], y[500:]

net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
for p in net.parameters():
    p.requires_grad_(False)
params = {name: p.clone() for name, p in net.named_parameters()}
velocity = {name: torch.zeros_like(p) for name, p in params.items()}
DIRECTIONS, STEPS = 8, 1200


def objective(weights, inputs, targets):
    return nn.functional.cross_entropy(functional_call(net, weights, (inputs,)), targets)


def directional(weights, tangent, inputs, targets):
    return jvp(lambda w: objective(w, inputs, targets), (weights,), (tangent,))


batched = vmap(directional, in_dims=(None, 0, None, None))

for step in range(STEPS):
    rows = torch.randint(0, len(x_train), (100,))
    tangents = {name: torch.randn(DIRECTIONS, *p.shape) for name, p in params.items()}
    loss, slope = batched(params, tangents, x_train[rows], y_train[rows])
    lr = 0.03 * (1 - step / STEPS)
    for name, v in tangents.items():
        estimate = torch.einsum("d,d...->...", slope, v) / DIRECTIONS
        velocity[name] = 0.9 * velocity[name] + estimate
        params[name] = params[name] - lr * velocity[name]
    if step % 150 == 0:
        print(f"step {step:4d} loss {loss[0].item():.4f} |slope| {slope.abs().mean().item():.4f}")

test_logits = functional_call(net, params, (x_test,))
print(f"test loss {nn.functional.cross_entropy(test_logits, y_test).item():.4f}")
print(f"score: {(test_logits.argmax(1) == y_test).float().mean().item():.4f}")
