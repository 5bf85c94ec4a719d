"""Meta-learning of personal palates: from eight rated dishes of a new person, predict the others. MAML:
three inner gradient steps with torch.func, vmapped over people, second derivatives kept. Score: R2 on new people.
"""

import sys

import torch
import torch.nn as nn
from torch.func import functional_call, grad, vmap

torch.set_num_threads(1)
INNER_LR, SHOTS = 0.15, 8
net = nn.Sequential(nn.Linear(3, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))


def people(n, dishes=SHOTS + 16):
    """A person likes dishes near their ideal sweetness and spice, and more or less salt."""
    ideal, salt = 1.2 * (2 * torch.rand(n, 1, 2) - 1), torch.randn(n, 1)
    x = 2 * torch.rand(n, dishes, 3) - 1
    y = 1.2 - (x[..., :2] - ideal).pow(2).sum(2) + salt * x[..., 2]
    return x, (y + 0.1 * torch.randn_like(y)) / 1.5


def mse(params, x, y):
    return (functional_call(net, params, (x,)).squeeze(-1) - y).pow(2).mean()


def adapted(params, x, y, steps=3):
    for _ in range(steps):
        g = grad(mse)(params, x, y)
        params = {k: p - INNER_LR * g[k] for k, p in params.items()}
    return params


def query_loss(params, x, y):
    return mse(adapted(params, x[:SHOTS], y[:SHOTS]), x[SHOTS:], y[SHOTS:])


def main(seed):
    torch.manual_seed(seed)
    for layer in net[::2]:
        layer.reset_parameters()
    params = dict(net.named_parameters())
    meta = torch.optim.Adam(params.values(), lr=4e-3)
    sched = torch.optim.lr_scheduler.PolynomialLR(meta, 600, power=1.0)
    x_new, y_new = people(500)
    for step in range(1, 601):
        loss = vmap(query_loss, in_dims=(None, 0, 0))(params, *people(24)).mean()
        meta.zero_grad()
        loss.backward()
        meta.step()
        sched.step()
        if step % 100 == 0:
            with torch.no_grad():
                error = vmap(query_loss, in_dims=(None, 0, 0))(params, x_new, y_new).mean()
                before = mse(params, x_new[:, SHOTS:], y_new[:, SHOTS:])
            r2 = 1 - (error / y_new[:, SHOTS:].var()).item()
            print(
                f"step {step}: meta loss {loss.item():.4f} new people {error:.4f} (unadapted {before:.4f}) R2 {r2:.4f}"
            )
    print(f"score: {r2:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
