"""Whether two digit pictures show the same digit: a shared convolutional branch, the loss on the absolute difference.
The branch is called once with both pictures stacked in one batch."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(128, 48),
        )  # fmt: skip
        self.same = nn.Linear(48, 1)

    def forward(self, a, b):
        left, right = self.branch(torch.cat([a, b])).chunk(2)
        return self.same((left - right).abs()).squeeze(1)


def pairs(images, labels, n):
    """Half of the pairs alike."""
    a = torch.randint(len(labels), (n,))
    b = torch.randint(len(labels), (n,))
    for i in range(0, n, 2):
        alike = (labels == labels[a[i]]).nonzero().squeeze(1)
        b[i] = alike[torch.randint(len(alike), (1,))]
    return images[a], images[b], (labels[a] == labels[b]).float()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 8 - 0.6
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(labels))
    train, test = order[:1350], order[1350:]
    test_pairs = pairs(images[test], labels[test], 600)
    model = Siamese()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for step in range(1, 401):
        a, b, same = pairs(images[train], labels[train], 64)
        loss = F.binary_cross_entropy_with_logits(model(a, b), same)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            with torch.no_grad():
                acc = ((model(*test_pairs[:2]) > 0) == (test_pairs[2] > 0)).float().mean().item()
            print(f"step {step} loss {loss.item():.4f} test {acc:.4f}")
    print(f"score: {acc:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
