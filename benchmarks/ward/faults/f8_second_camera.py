"""A shared backbone for two cameras. The digits of the first camera are learned first; then the backbone is frozen and
a second head learns the letters that the second, brighter camera sees. Both heads are in use afterwards."""
# cause: batch-norm-drift
# kind: dynamic

import sys

import torch
from torch import nn


def patterns(kinds, size=12):
    """Smooth random pictures, one for each kind."""
    coarse = torch.randn(kinds, 1, 4, 4)
    return nn.functional.interpolate(coarse, size=(size, size), mode="bilinear", align_corners=False)


def shots(n, pictures, gain=1.0, light=0.0):
    kind = torch.randint(len(pictures), (n,))
    clean = pictures[kind]
    return gain * (clean + 0.8 * torch.randn_like(clean)) + light, kind


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )

    def forward(self, x):
        return self.layers(x)


class Trainer:
    def __init__(self, backbone, head, lr):
        self.backbone, self.head = backbone, head
        self.weights = [p for p in [*backbone.parameters(), *head.parameters()] if p.requires_grad]
        self.optimizer = torch.optim.Adam(self.weights, lr=lr)
        self.criterion = nn.CrossEntropyLoss()

    def epoch(self, x, y, frozen):
        self.backbone.train()  # FAULT
        # TWIN: self.backbone.train(not frozen)
        self.head.train()
        total = 0.0
        for rows in torch.randperm(len(x)).split(32):
            loss = self.criterion(self.head(self.backbone(x[rows])), y[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(rows)
        return total / len(x)

    def accuracy(self, x, y):
        self.backbone.eval()
        self.head.eval()
        with torch.no_grad():
            return (self.head(self.backbone(x)).argmax(1) == y).float().mean().item()


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
digits, letters = patterns(10), patterns(12)
first, first_test = shots(1000, digits), shots(400, digits)
second, second_test = shots(1000, letters, 1.6, 1.2), shots(400, letters, 1.6, 1.2)

backbone = Backbone()
old = Trainer(backbone, nn.Linear(288, 10), lr=1e-3)
for epoch in range(6):
    print(f"digits {epoch} loss {old.epoch(*first, frozen=False):.4f} accuracy {old.accuracy(*first_test):.4f}")

for weight in backbone.parameters():
    weight.requires_grad_(False)
new = Trainer(backbone, nn.Linear(288, 12), lr=1e-3)
for epoch in range(12):
    print(f"letters {epoch} loss {new.epoch(*second, frozen=True):.4f} accuracy {new.accuracy(*second_test):.4f}")

print(f"digits {old.accuracy(*first_test):.4f} letters {new.accuracy(*second_test):.4f}")
print(f"score: {(old.accuracy(*first_test) + new.accuracy(*second_test)) / 2:.4f}")
