"""Ferns told apart by leaf measurements, with the training loss kept afloat: below a floor the steps climb again.

Flooding (Ishida et al. 2020): loss' = |loss - b| + b. A fifth of the training labels is wrong, so that a loss near
zero would only mean that the mistakes have been learned by heart.
"""

import sys

import torch
from torch import nn

FLOOD, CLASSES, FEATURES = 0.75, 5, 16

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)


def ferns(count, mistakes=0.0):
    """Leaf measurements around five species' means, on a curved sheet."""
    own = torch.Generator().manual_seed(3)
    centres = 1.1 * torch.randn(CLASSES, FEATURES, generator=own)
    species = torch.randint(0, CLASSES, (count,))
    leaves = centres[species] + torch.randn(count, FEATURES)
    wrong = torch.rand(count) < mistakes
    told = torch.where(wrong, torch.randint(0, CLASSES, (count,)), species)
    return leaves / 1.5, told


train_x, train_y = ferns(1500, mistakes=0.2)
test_x, test_y = ferns(1000)

model = nn.Sequential(nn.Linear(FEATURES, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, CLASSES))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(25):
    model.train()
    seen = 0.0
    for rows in torch.randperm(len(train_x)).split(50):
        loss = nn.functional.cross_entropy(model(train_x[rows]), train_y[rows])
        flooded = (loss - FLOOD).abs() + FLOOD
        optimizer.zero_grad()
        flooded.backward()
        optimizer.step()
        seen += loss.item() * len(rows) / len(train_x)
    model.eval()
    with torch.no_grad():
        accuracy = (model(test_x).argmax(dim=1) == test_y).float().mean().item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: training loss {seen:.3f} (floor {FLOOD}), test accuracy {accuracy:.3f}")
print(f"score: {accuracy:.4f}")
