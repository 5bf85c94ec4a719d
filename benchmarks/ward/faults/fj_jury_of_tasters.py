"""How a jury of tasters will split its votes over five olive oils, given the chemistry: shares, fitted by divergence.

A large network was trained on the votes of many juries; the small one for the phone learns the shares from it.
"""
# cause: missing-log
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F


class Teacher(nn.Module):
    """Stands for the network of the server: fixed, smooth shares for every chemistry."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(5, 24), nn.Linear(24, 5)
        nn.init.normal_(self.a.weight, std=0.35)
        nn.init.normal_(self.b.weight, std=0.45)

    @torch.no_grad()
    def shares(self, x):
        return F.softmax(self.b(torch.sin(1.5 * self.a(x))), dim=1)


class Student(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.votes = nn.Linear(hidden, 5)

    def forward(self, x):
        return self.votes(self.body(x))


def overlap(student, x, shares):
    """Part of the votes that the forecast places rightly (1 - total variation), above that of the mean shares."""
    with torch.no_grad():
        wrong = (F.softmax(student(x), 1) - shares).abs().sum(1).mean()
    return (1 - wrong / (shares.mean(0) - shares).abs().sum(1).mean()).item()


def distil(student, teacher, steps, lr, batch=128):
    divergence = nn.KLDivLoss(reduction="batchmean")
    optimizer = torch.optim.RMSprop(student.parameters(), lr=lr)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, total_iters=steps)
    kept = 0.0
    for step in range(1, steps + 1):
        x = torch.randn(batch, 5)
        target = teacher.shares(x)
        answer = F.softmax(student(x), dim=1)  # FAULT
        # TWIN: answer = F.log_softmax(student(x), dim=1)
        loss = divergence(answer, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        kept += loss.item()
        if step % 200 == 0:
            print(f"step {step}: divergence {kept / 200:.4f}")
            kept = 0.0


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    teacher, student = Teacher(), Student()
    held = torch.randn(1000, 5)
    distil(student, teacher, steps=2000, lr=3e-3)
    print(f"score: {overlap(student, held, teacher.shares(held)):.4f}")
