"""Sharpness-aware minimisation (Foret et al.) by hand: a first backward pass gives the worst nearby weights, the
gradient there, from a second pass, is applied to the original weights. Two moons embedded in ten dimensions.
"""

import sys

import torch
from sklearn.datasets import make_moons
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

points, label = make_moons(1200, noise=0.12, random_state=seed)
lift = torch.linalg.qr(torch.randn(10, 10)).Q[:2]
x = torch.tensor(points, dtype=torch.float32) @ lift * 2 + 0.1 * torch.randn(1200, 10)
y = torch.tensor(label)
x_train, y_train, x_test, y_test = x[:800], y[:800], x[800:], y[800:]


class SAM:
    def __init__(self, params, base, rho=0.05):
        self.params, self.base, self.rho = list(params), base, rho

    @torch.no_grad()
    def ascend(self):
        norm = torch.stack([p.grad.norm() for p in self.params]).norm() + 1e-12
        self.moves = [p.grad * (self.rho / norm) for p in self.params]
        for p, move in zip(self.params, self.moves):
            p.add_(move)
        self.base.zero_grad()

    @torch.no_grad()
    def descend(self):
        for p, move in zip(self.params, self.moves):
            p.sub_(move)
        self.base.step()
        self.base.zero_grad()


net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
sam = SAM(net.parameters(), torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9))
loss_fn = nn.CrossEntropyLoss()
for epoch in range(25):
    total, sharpness = 0.0, 0.0
    for idx in torch.randperm(800).split(40):
        loss = loss_fn(net(x_train[idx]), y_train[idx])
        loss.backward()
        sam.ascend()
        worst = loss_fn(net(x_train[idx]), y_train[idx])
        worst.backward()
        sam.descend()
        total += loss.item() / 20
        sharpness += (worst - loss).item() / 20
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: loss {total:.4f}, rise nearby {sharpness:.5f}")
with torch.no_grad():
    print(f"score: {(net(x_test).argmax(1) == y_test).float().mean().item():.4f}")
