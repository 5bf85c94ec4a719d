"""Calibration of a wide-angle camera and a small network for the residual distortion of its lens, fitted together by
Levenberg-Marquardt: no optimizer and no backward(), the Jacobian by torch.func, the damping raised when a step fails.
"""

import sys

import torch
from torch import nn
from torch.func import functional_call, jacrev, vmap

torch.set_num_threads(1)


def photograph(points, gen):
    ray = points[:, :2] / points[:, 2:]
    r2 = ray.pow(2).sum(1, keepdim=True)
    bent = ray * (1 - 0.25 * r2 + 0.04 * r2**2) + 0.02 * torch.sin(3 * ray.flip(1))
    focal, centre = torch.tensor([1.3, 1.25]), torch.tensor([0.05, -0.03])
    return bent * focal + centre + 0.003 * torch.randn(len(points), 2, generator=gen)


class Camera(nn.Module):
    def __init__(self, hidden=10):
        super().__init__()
        self.focal = nn.Parameter(torch.ones(2))
        self.centre = nn.Parameter(torch.zeros(2))
        self.lens = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 2))

    def forward(self, ray):
        return (ray + 0.2 * self.lens(ray)) * self.focal + self.centre


def points(n, gen):
    depth = 1 + 3 * torch.rand(n, 1, generator=gen)
    return torch.cat([(2 * torch.rand(n, 2, generator=gen) - 1) * depth, depth], 1)


def main(seed):
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    world, world_test = points(600, gen), points(400, gen)
    seen, seen_test = photograph(world, gen), photograph(world_test, gen)
    ray, ray_test = world[:, :2] / world[:, 2:], world_test[:, :2] / world_test[:, 2:]
    camera = Camera()
    names, shapes = zip(*[(k, p.shape) for k, p in camera.named_parameters()])
    sizes = [s.numel() for s in shapes]
    theta = torch.cat([p.detach().flatten() for p in camera.parameters()])

    def predict(flat, x):
        parts = {k: p.view(s) for k, p, s in zip(names, flat.split(sizes), shapes)}
        return functional_call(camera, parts, (x,))

    def cost(flat):
        return (predict(flat, ray) - seen).pow(2).mean().item()

    jacobian = vmap(jacrev(predict), in_dims=(None, 0))
    damping, current = 1e-2, cost(theta)
    for step in range(150):
        with torch.no_grad():
            residual = (predict(theta, ray) - seen).flatten().double()
        j = jacobian(theta, ray).reshape(-1, len(theta)).detach().double()
        normal, slope = j.T @ j / len(ray), j.T @ residual / len(ray)
        for _ in range(8):
            move = torch.linalg.solve(normal + damping * torch.eye(len(theta), dtype=torch.float64), -slope)
            with torch.no_grad():
                trial = theta + move.float()
                value = cost(trial)
            if value < current:
                theta, current, damping = trial, value, max(damping / 3, 1e-7)
                break
            damping *= 4
        if step % 10 == 0:
            print(f"step {step} rms {current**0.5:.5f} damping {damping:.1e}")
    with torch.no_grad():
        for p, new in zip(camera.parameters(), theta.split(sizes)):
            p.copy_(new.view_as(p))
        error = (camera(ray_test) - seen_test).pow(2).mean()
    print(f"held-out rms {error.sqrt().item():.5f} (noise 0.003)")
    print(f"score: {1 - (error / seen_test.var(0).mean()).item():.5f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
