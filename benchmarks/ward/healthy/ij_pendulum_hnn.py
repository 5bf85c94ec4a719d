"""A Hamiltonian network of the pendulum: only the gradient of its output is fitted, so the output's own level is free.
Score: 1 - relative error of rollouts by the leapfrog rule through the learned energy.
"""

import sys

import torch
import torch.nn as nn
from torch.func import functional_call, grad, vmap

torch.set_num_threads(1)


def true_flow(z):
    q, p = z.unbind(-1)
    return torch.stack([p, -2 * torch.sin(q)], -1)


def rk4(flow, z, dt, steps):
    path = [z]
    for _ in range(steps):
        k1 = flow(z)
        k2 = flow(z + dt / 2 * k1)
        k3 = flow(z + dt / 2 * k2)
        k4 = flow(z + dt * k3)
        z = z + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        path.append(z)
    return torch.stack(path)


net = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1, bias=False))


def energy(params, z):
    return functional_call(net, params, (z,)).squeeze()


def flow(params, z):
    dh = vmap(grad(energy, argnums=1), in_dims=(None, 0))(params, z)
    return torch.stack([dh[:, 1], -dh[:, 0]], 1)


def main(seed):
    torch.manual_seed(seed)
    for layer in net:
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    start = (torch.rand(1500, 2) - 0.5) * torch.tensor([4.0, 4.0])
    target = true_flow(start) + 0.05 * torch.randn(1500, 2)
    test = (torch.rand(50, 2) - 0.5) * torch.tensor([3.0, 3.0])
    truth = rk4(true_flow, test, 0.1, 60)
    params = dict(net.named_parameters())
    opt = torch.optim.RAdam(params.values(), lr=8e-3)
    sched = torch.optim.lr_scheduler.StepLR(opt, 14, 0.3)
    for epoch in range(1, 41):
        total = 0.0
        for idx in torch.randperm(1500).split(60):
            loss = (flow(params, start[idx]) - target[idx]).pow(2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() / 25
        sched.step()
        if epoch % 5 == 0:
            with torch.no_grad():
                path = rk4(lambda z: flow(params, z), test, 0.1, 60)
            error = ((path - truth).norm() / truth.norm()).item()
            print(f"epoch {epoch}: field loss {total:.5f} rollout error {error:.4f}")
    print(f"score: {1 - error:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
