"""A student of a random teacher, as in studies of learning: the teacher makes the targets of fresh inputs at each step.
Score: R2.
"""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


def main(seed):
    torch.manual_seed(seed)
    teacher = nn.Sequential(nn.Linear(10, 8), nn.Tanh(), nn.Linear(8, 4))
    student = nn.Sequential(nn.Linear(10, 40), nn.Tanh(), nn.Linear(40, 4))
    optimizer = torch.optim.Adam(student.parameters(), lr=3e-3)
    for step in range(1500):
        x = torch.randn(64, 10)
        loss = nn.functional.mse_loss(student(x), teacher(x))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 300 == 299:
            print(f"step {step}: {loss.item():.5f}")
    with torch.no_grad():
        x = torch.randn(2000, 10)
        y = teacher(x)
        print(f"score: {1 - (student(x) - y).square().mean().item() / y.var(0).mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
