"""Shape of a cloud of points (ball, bar, ring, cross) by a network shared by the points and a maximum over them; the
clouds are turned at random in every batch. Test clouds are turned once."""

import sys

import torch
import torch.nn as nn


def clouds(n, points=48):
    kind = torch.randint(4, (n,))
    u = torch.rand(n, points, 2) * 2 - 1
    angle, radius = torch.pi * u[..., 0], u[..., 1].abs().sqrt()
    ball = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=2)
    ring = torch.stack([angle.cos(), angle.sin()], dim=2) * 0.9
    arm = torch.rand(n, points, 1) < 0.5
    cross = torch.where(arm, u * torch.tensor([1.0, 0.15]), u * torch.tensor([0.15, 1.0]))
    shapes = torch.stack([ball, u * torch.tensor([1.0, 0.25]), ring, cross], dim=1)
    chosen = shapes[torch.arange(n), kind]
    return chosen * (0.9 + 0.2 * torch.rand(n, 1, 1)) + 0.04 * torch.randn(n, points, 2), kind


def turn(x):
    a = 2 * torch.pi * torch.rand(len(x))
    rotation = torch.stack([torch.stack([a.cos(), -a.sin()], 1), torch.stack([a.sin(), a.cos()], 1)], 1)
    return x @ rotation


class PointNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.point = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 64), nn.ReLU())
        self.cloud = nn.Sequential(nn.Linear(128, 48), nn.ReLU(), nn.Linear(48, 4))

    def forward(self, x):
        h = self.point(x)
        return self.cloud(torch.cat([h.amax(dim=1), h.mean(dim=1)], dim=1))


torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
x, y = clouds(1200)
x_test, y_test = clouds(400)
x_test = turn(x_test)
model = PointNet()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    total = 0.0
    for idx in torch.randperm(1200).split(40):
        loss = nn.functional.cross_entropy(model(turn(x[idx])), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1:2d} loss {total / 30:.4f} test {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
