"""Two interleaved spirals with a ten-layer sigmoid network (the classic "why doesn't my deep net learn" post)."""
# cause: vanishing-gradient
# accept: saturated-units
# kind: dynamic

import math
import sys

import torch
from torch import nn


def spirals(n, generator):
    t = torch.rand(n, generator=generator).sqrt() * 1.6 * math.pi
    label = torch.arange(n) % 2
    sign = 1.0 - 2.0 * label
    points = torch.stack([sign * t * torch.cos(t), sign * t * torch.sin(t)], dim=1)
    return points / 3 + 0.05 * torch.randn(n, 2, generator=generator), label


def build(depth, width):
    layers = [nn.Linear(2, width), nn.Sigmoid()]  # FAULT
    # TWIN: layers = [nn.Linear(2, width), nn.ReLU()]
    for _ in range(depth - 2):
        layers += [nn.Linear(width, width), nn.Sigmoid()]  # FAULT
        # TWIN: layers += [nn.Linear(width, width), nn.ReLU()]
    layers.append(nn.Linear(width, 2))
    model = nn.Sequential(*layers)
    # TWIN: [nn.init.kaiming_normal_(m.weight) for m in model if isinstance(m, nn.Linear)]
    return model


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
gen = torch.Generator().manual_seed(seed)
X, y = spirals(1000, gen)
X_test, y_test = spirals(500, gen)

model = build(depth=10, width=32)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(30):
    perm = torch.randperm(len(X))
    correct, total_loss = 0, 0.0
    for k in range(0, len(X), 40):
        idx = perm[k : k + 40]
        out = model(X[idx])
        loss = criterion(out, y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * len(idx)
        correct += (out.argmax(1) == y[idx]).sum().item()
    if epoch % 3 == 2:
        print(f"Epoch {epoch + 1}: loss = {total_loss / len(X):.4f}, train acc = {correct / len(X):.3f}")

with torch.no_grad():
    test_acc = (model(X_test).argmax(1) == y_test).float().mean().item()
print(f"score: {test_acc:.4f}")
