"""A student of twelve units learns kinds of bolts from the softened answers of a wide teacher, without seeing a label
itself."""

import sys

import torch
import torch.nn.functional as F
from torch import nn


def bolts(n, kinds):
    kind = torch.randint(0, 8, (n,))
    x = kinds[kind] + 0.75 * torch.randn(n, 10)
    return x, kind


def train_teacher(x, y):
    teacher = nn.Sequential(nn.Linear(10, 96), nn.ReLU(), nn.Dropout(0.3), nn.Linear(96, 8))
    optimizer = torch.optim.Adam(teacher.parameters(), lr=2e-3, weight_decay=1e-4)
    for epoch in range(8):
        for idx in torch.randperm(len(x)).split(50):
            loss = F.cross_entropy(teacher(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"teacher epoch {epoch} loss {loss.item():.4f}")
    return teacher.eval()


def distill(teacher, x, temperature=3.0):
    student = nn.Sequential(nn.Linear(10, 12), nn.Tanh(), nn.Linear(12, 8))
    optimizer = torch.optim.Adam(student.parameters(), lr=8e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 6, 0.3)
    for epoch in range(15):
        for idx in torch.randperm(len(x)).split(50):
            with torch.no_grad():
                target = F.softmax(teacher(x[idx]) / temperature, dim=1)
            log_p = F.log_softmax(student(x[idx]) / temperature, dim=1)
            loss = F.kl_div(log_p, target, reduction="batchmean") * temperature**2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        print(f"student epoch {epoch} divergence {loss.item():.4f}")
    return student


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
kinds = 1.2 * torch.randn(8, 10)
x, y = bolts(2000, kinds)
x_test, y_test = bolts(600, kinds)
teacher = train_teacher(x, y)
student = distill(teacher, x)
with torch.no_grad():
    for name, net in (("teacher", teacher), ("student", student)):
        accuracy = (net(x_test).argmax(1) == y_test).float().mean().item()
        print(f"{name} accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
