"""Robotics: estimate the orientation of a part from eight noisy, numbered 3-D marker positions.

The net outputs six numbers that Gram-Schmidt turns into a rotation matrix; it is trained on the geodesic angle
between rotations. Every step draws new random orientations, so there are no epochs.
"""

import sys

import torch
from torch import nn


def random_rotations(n):
    q = nn.functional.normalize(torch.randn(n, 4), dim=1)
    w, x, y, z = q.unbind(1)
    rows = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)]
    rows += [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)]
    rows += [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
    return torch.stack(rows, dim=1).view(n, 3, 3)


def gram_schmidt(six):
    a, b = six[:, :3], six[:, 3:]
    first = nn.functional.normalize(a, dim=1)
    second = nn.functional.normalize(b - (first * b).sum(1, keepdim=True) * first, dim=1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=2)


def geodesic(estimate, truth):
    trace = (estimate * truth).sum((1, 2))
    return torch.acos(((trace - 1) / 2).clamp(-1 + 1e-6, 1 - 1e-6))


def observe(part, rotations, noise=0.03):
    points = part @ rotations.transpose(1, 2)
    return (points + noise * torch.randn_like(points)).flatten(1)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    part = torch.randn(8, 3)
    part = part - part.mean(0)
    part = part / part.pow(2).mean().sqrt()
    net = nn.Sequential(nn.Linear(24, 128), nn.LeakyReLU(), nn.Linear(128, 128), nn.LeakyReLU(), nn.Linear(128, 6))
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    steps = 900
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.02, total_iters=steps)
    test_rotations = random_rotations(1000)
    test_points = observe(part, test_rotations)
    for step in range(1, steps + 1):
        truth = random_rotations(128)
        loss = geodesic(gram_schmidt(net(observe(part, truth))), truth).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 150 == 0:
            with torch.no_grad():
                angle = geodesic(gram_schmidt(net(test_points)), test_rotations).rad2deg()
            print(
                f"step {step}: batch {loss.item():.4f} rad, test mean {angle.mean():.2f} deg, worst {angle.max():.1f}"
            )
    print(f"score: {-angle.mean().item():.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
