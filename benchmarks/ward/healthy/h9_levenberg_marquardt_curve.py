"""Levenberg-Marquardt instead of a gradient method: a small tanh network fits a 2-D surface.

The Jacobian of all residuals comes from torch.func; the damping shrinks after an accepted step and grows after a
rejected one.
"""

import sys

import torch
from torch import nn
from torch.func import functional_call, jacrev, vmap

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def surface(p):
    return torch.sin(2 * p[:, 0]) * torch.exp(-(p[:, 1] ** 2)) + 0.5 * p[:, 0] * p[:, 1]


x = 3 * torch.rand(1500, 2) - 1.5
y = surface(x) + 0.05 * torch.randn(1500)
x_test = 3 * torch.rand(500, 2) - 1.5
y_test = surface(x_test)

net = nn.Sequential(nn.Linear(2, 20), nn.Tanh(), nn.Linear(20, 1))
names = [n for n, _ in net.named_parameters()]
shapes = [p.shape for p in net.parameters()]
theta = nn.utils.parameters_to_vector(net.parameters()).detach()


def predict(vector, point):
    pieces = vector.split([s.numel() for s in shapes])
    params = {n: piece.view(s) for n, piece, s in zip(names, pieces, shapes)}
    return functional_call(net, params, (point,)).squeeze(-1)


per_point_jacobian = vmap(jacrev(predict), in_dims=(None, 0))
ridge = 1e-3  # small weight penalty, so that the normal equations stay well conditioned
damping = 1.0


def objective(vector):
    return (predict(vector, x) - y).square().sum() + ridge * vector.square().sum()


current = objective(theta)
for iteration in range(120):
    J = per_point_jacobian(theta, x)
    gradient = J.T @ (predict(theta, x) - y) + ridge * theta
    hessian = J.T @ J + (ridge + damping) * torch.eye(len(theta))
    proposal = theta - torch.linalg.solve(hessian, gradient)
    value = objective(proposal)
    if value < current:
        theta, current, damping = proposal, value, max(damping / 3, 1e-6)
    else:
        damping = min(damping * 4, 1e6)
    if iteration % 20 == 0 or iteration == 119:
        print(f"iteration {iteration:3d}  objective {current.item():10.5f}  damping {damping:.1e}")

nn.utils.vector_to_parameters(theta, net.parameters())
with torch.no_grad():
    residual = net(x_test).squeeze(-1) - y_test
print(f"score: {1 - residual.square().mean().item() / y_test.var().item():.5f}")
