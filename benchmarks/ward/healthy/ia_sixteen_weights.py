"""A ring about a disc, told apart by a network of four hidden units. That is all it takes."""

import sys

import torch
from torch import nn


def targets(n):
    inner = torch.rand(n) < 0.5
    radius = torch.where(inner, 0.7 * torch.rand(n).sqrt(), 1.3 + 0.4 * torch.rand(n))
    angle = 2 * torch.pi * torch.rand(n)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1) / 0.8, inner.float()


class Tiny(nn.Module):
    def __init__(self, units=4):
        super().__init__()
        self.hidden = nn.Linear(2, units)
        self.out = nn.Linear(units, 1)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x))).squeeze(1)


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
x, y = targets(1500)
x_test, y_test = targets(500)
model = Tiny()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(25):
    for rows in torch.randperm(len(x)).split(30):
        loss = criterion(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        out = model(x_test)
    accuracy = ((out > 0).float() == y_test).float().mean().item()
    if epoch % 4 == 0:
        print(f"epoch {epoch} loss {loss.item():.4f} test {criterion(out, y_test).item():.4f} accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
