"""Stone samples graded by one backbone with a head for each quarry.

The first quarry's net is in service. A second quarry, whose lamp is brighter and whose spectra are steeper, gets a
head of its own; the backbone is frozen, so that the first quarry's grading stays as it is.
"""
# cause: batch-norm-drift
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

BANDS, GRADES = 30, 5


def make_quarry(spectra, gain, offset):
    def sample(n):
        grade = torch.randint(0, GRADES, (n,))
        x = spectra[grade] + 0.8 * torch.randn(n, BANDS)
        return x * gain + offset, grade

    return sample


class Backbone(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.fc1, self.bn1 = nn.Linear(BANDS, width), nn.BatchNorm1d(width)
        self.fc2, self.bn2 = nn.Linear(width, width), nn.BatchNorm1d(width)

    def forward(self, x):
        x = F.relu(self.bn1(self.fc1(x)))
        return F.relu(self.bn2(self.fc2(x)))


class Grader(nn.Module):
    def __init__(self, quarries=2, width=48):
        super().__init__()
        self.backbone = Backbone(width)
        self.heads = nn.ModuleList(nn.Linear(width, GRADES) for _ in range(quarries))

    def forward(self, x, quarry):
        return self.heads[quarry](self.backbone(x))


def epoch(model, sample, quarry, optimizer, steps=60):
    model.train()
    # TWIN: if quarry == 1:
    # TWIN:     model.backbone.eval()
    total = 0.0
    for _ in range(steps):
        x, grade = sample(64)
        loss = F.cross_entropy(model(x, quarry), grade)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / steps


@torch.no_grad()
def accuracy(model, x, grade, quarry):
    model.eval()
    return (model(x, quarry).argmax(1) == grade).float().mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    spectra = 0.5 * torch.randn(GRADES, BANDS)
    slope = torch.linspace(-1, 1, BANDS)
    first = make_quarry(spectra, 1.0, 0.0)
    second = make_quarry(spectra[torch.randperm(GRADES)], 1.5, 1.0 + 1.6 * slope)
    tests = [first(1000), second(1000)]

    model = Grader()
    optimizer = torch.optim.Adam([*model.backbone.parameters(), *model.heads[0].parameters()], lr=2e-3)
    for i in range(8):
        loss = epoch(model, first, 0, optimizer)
        print(f"first quarry, epoch {i + 1}: loss {loss:.4f} accuracy {accuracy(model, *tests[0], 0):.4f}")

    for parameter in model.backbone.parameters():
        parameter.requires_grad_(False)
    optimizer = torch.optim.Adam(model.heads[1].parameters(), lr=1e-2)
    for i in range(8):
        loss = epoch(model, second, 1, optimizer)
        both = [accuracy(model, *tests[quarry], quarry) for quarry in (0, 1)]
        print(f"second quarry, epoch {i + 1}: loss {loss:.4f} accuracy of both {both[0]:.4f} {both[1]:.4f}")
    print(f"score: {sum(both) / 2:.4f}")


main()
