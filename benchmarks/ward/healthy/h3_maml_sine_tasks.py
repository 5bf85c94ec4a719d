"""MAML on sine waves of random amplitude and phase: one inner gradient step through torch.func.functional_call, the
outer loss differentiates through it (create_graph). Score: R2 on new tasks after adaptation to ten points.
"""

import sys

import torch
from torch import nn
from torch.func import functional_call

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

net = nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
meta_optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
INNER_LR = 0.05


def tasks(n):
    amplitude = 0.5 + 1.5 * torch.rand(n, 1, 1)
    phase = 1.5 * torch.rand(n, 1, 1)

    def draw(points):
        x = 4 * torch.rand(n, points, 1) - 2
        return x, amplitude * torch.sin(2 * x + phase)

    return draw(10), draw(20)


def adapt(params, x, y, steps, create_graph):
    for _ in range(steps):
        inner_loss = (functional_call(net, params, (x,)) - y).pow(2).mean()
        grads = torch.autograd.grad(inner_loss, list(params.values()), create_graph=create_graph)
        params = {name: p - INNER_LR * g for (name, p), g in zip(params.items(), grads)}
    return params


running = 0.0
for iteration in range(1, 351):
    (xs, ys), (xq, yq) = tasks(4)
    outer = 0.0
    for task in range(4):
        fast = adapt(dict(net.named_parameters()), xs[task], ys[task], 1, create_graph=True)
        outer = outer + (functional_call(net, fast, (xq[task],)) - yq[task]).pow(2).mean() / 4
    meta_optimizer.zero_grad()
    outer.backward()
    meta_optimizer.step()
    running += outer.item() / 50
    if iteration % 50 == 0:
        print(f"iteration {iteration}: loss after adaptation {running:.4f}")
        running = 0.0

(xs, ys), (xq, yq) = tasks(50)
error, spread = 0.0, 0.0
for task in range(50):
    fast = adapt(dict(net.named_parameters()), xs[task], ys[task], 5, create_graph=False)
    with torch.no_grad():
        error += (functional_call(net, fast, (xq[task],)) - yq[task]).pow(2).mean().item()
        spread += yq[task].var(unbiased=False).item()
print(f"score: {1 - error / spread:.4f}")
