"""A conv net learns ten digits, then its trunk is frozen (batch norm in eval) for odd or even with 300 labels.

The second half of the fine-tuning opens the last convolution at a tenth of the rate.
"""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)

data = load_digits()
order = torch.randperm(len(data.target))
images = (torch.tensor(data.images, dtype=torch.float32)[order, None] - 4.9) / 6.0
target = torch.tensor(data.target)[order]
source, tune, test = slice(0, 1000), slice(1000, 1300), slice(1300, None)


class Trunk(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 24, 3, stride=2, padding=1),
            nn.BatchNorm2d(24),
            nn.ReLU(),
            nn.Flatten(),
        )


def fit(trunk, head, x, y, optimizer, epochs, trunk_mode, name):
    for epoch in range(epochs):
        trunk.train(trunk_mode)
        total = 0.0
        for rows in torch.randperm(len(x)).split(50):
            loss = F.cross_entropy(head(trunk(x[rows])), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        if epoch % 4 == 3:
            print(f"{name} epoch {epoch + 1}: loss {total / len(x):.4f}")


def accuracy(trunk, head, x, y):
    trunk.eval()
    with torch.no_grad():
        return (head(trunk(x)).argmax(1) == y).float().mean().item()


trunk, ten = Trunk(), nn.Linear(24 * 16, 10)
optimizer = torch.optim.Adam([*trunk.parameters(), *ten.parameters()], lr=1e-3)
fit(trunk, ten, images[source], target[source], optimizer, 8, True, "ten digits")
print(f"ten digits: {accuracy(trunk, ten, images[test], target[test]):.4f}")

parity = target % 2
two = nn.Linear(24 * 16, 2)
trunk.requires_grad_(False)
optimizer = torch.optim.Adam(two.parameters(), lr=3e-3)
fit(trunk, two, images[tune], parity[tune], optimizer, 8, False, "head")
print(f"frozen trunk: {accuracy(trunk, two, images[test], parity[test]):.4f}")

trunk[3].requires_grad_(True)
optimizer.add_param_group({"params": trunk[3].parameters(), "lr": 3e-4})
fit(trunk, two, images[tune], parity[tune], optimizer, 8, False, "opened")
print(f"score: {accuracy(trunk, two, images[test], parity[test]):.4f}")
