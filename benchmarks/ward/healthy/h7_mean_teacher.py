"""Mean teacher: 250 labelled digits, 1000 without labels. The student fits the labels and agrees with the slowly moving
average of itself on noisy copies of all images; the weight of the agreement is ramped up.
"""

import copy
import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)
STEPS, RAMP = 700, 250


def make_net():
    return nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Dropout(0.2), nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, 10))


def jitter(x):
    return x + 0.2 * torch.randn_like(x)


@torch.no_grad()
def update_teacher(teacher, student, step):
    decay = min(0.98, 1 - 1 / (step + 1))
    for t, s in zip(teacher.parameters(), student.parameters(), strict=True):
        t.mul_(decay).add_(s, alpha=1 - decay)


@torch.no_grad()
def accuracy(net, x, y):
    net.eval()
    result = (net(x).argmax(1) == y).float().mean().item()
    net.train()
    return result


def main():
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    digits = load_digits()
    order = torch.randperm(len(digits.data))
    x = torch.tensor(digits.data, dtype=torch.float32)[order] / 8 - 1
    y = torch.tensor(digits.target)[order]
    x_lab, y_lab, x_unlab, x_test, y_test = x[:250], y[:250], x[250:1250], x[1250:], y[1250:]

    student = make_net()
    teacher = copy.deepcopy(student)
    for p in teacher.parameters():
        p.requires_grad_(False)
    optimizer = torch.optim.Adam(student.parameters(), lr=2e-3, weight_decay=1e-4)

    for step in range(1, STEPS + 1):
        lab, unlab = torch.randint(250, (32,)), torch.randint(1000, (96,))
        batch = torch.cat([x_lab[lab], x_unlab[unlab]])
        logits = student(jitter(batch))
        with torch.no_grad():
            wanted = teacher(jitter(batch)).softmax(dim=1)
        supervised = F.cross_entropy(logits[:32], y_lab[lab])
        agreement = F.mse_loss(logits.softmax(dim=1), wanted)
        weight = 20 * math.exp(-5 * (1 - min(1.0, step / RAMP)) ** 2)
        loss = supervised + weight * agreement
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        update_teacher(teacher, student, step)
        if step % 100 == 0:
            s, t = accuracy(student, x_test, y_test), accuracy(teacher, x_test, y_test)
            print(
                f"step {step}: supervised {supervised:.4f} agreement {agreement:.5f} | student {s:.4f} teacher {t:.4f}"
            )
    print(f"score: {accuracy(teacher, x_test, y_test):.4f}")


if __name__ == "__main__":
    main()
