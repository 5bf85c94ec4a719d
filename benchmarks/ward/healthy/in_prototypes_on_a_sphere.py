"""Nine kinds of knot told apart by the angle to a prototype; after every step these are put back on the sphere.

Plain SGD on the prototypes with a projection, Adam on the encoder; logits are cosines over a fixed temperature.
"""

import sys

import torch
import torch.nn.functional as F
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
generator = torch.Generator().manual_seed(17)
KNOTS, TEMPERATURE = 9, 0.1
bends = torch.randn(KNOTS, 3, 24, generator=generator)


def knots(n):
    """Twenty-four curvatures along a rope, tied in one of three ways, seen from either side."""
    kind, way = torch.randint(KNOTS, (n,)), torch.randint(3, (n,))
    x = bends[kind, way] * 0.5
    x = torch.where(torch.rand(n, 1) < 0.5, x.flip(1), x)
    return x + 0.35 * torch.randn(n, 24), kind


class Knots(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(24, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, dim))
        self.prototypes = nn.Parameter(F.normalize(torch.randn(KNOTS, dim), dim=1))

    def forward(self, x):
        return F.normalize(self.encoder(x), dim=1) @ self.prototypes.T / TEMPERATURE

    @torch.no_grad()
    def project(self):
        self.prototypes.copy_(F.normalize(self.prototypes, dim=1))


x, y = knots(9000)
x_test, y_test = knots(1000)
model = Knots()
slow = torch.optim.SGD([model.prototypes], lr=0.05)
fast = torch.optim.AdamW(model.encoder.parameters(), lr=1e-3, weight_decay=0.05)
for epoch in range(10):
    total = 0.0
    for rows in torch.randperm(len(x)).split(60):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        model.zero_grad()
        loss.backward()
        fast.step()
        slow.step()
        model.project()
        total += loss.item() * len(rows) / len(x)
    fast.param_groups[0]["lr"] *= 0.75
    with torch.no_grad():
        logits = model(x_test)
        accuracy = (logits.argmax(1) == y_test).float().mean().item()
        test_loss = F.cross_entropy(logits, y_test).item()
    print(f"epoch {epoch + 1:2d}: train {total:.4f}  test {test_loss:.4f}  accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
