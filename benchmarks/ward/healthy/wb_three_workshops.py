"""Three workshops, each with its own head and optimizer besides the trunk's; a random one's batch comes at each step,
and all optimizers are cleared and stepped together. Score: mean R2.
"""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


def main(seed):
    torch.manual_seed(seed)
    mixes = torch.randn(5, 6, 3)
    trunk = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
    heads = [nn.Linear(32, 1) for _ in range(5)]
    optimizers = [torch.optim.Adam(each.parameters(), lr=2e-3) for each in (trunk, *heads)]

    def batch(task, n):
        x = torch.randn(n, 6)
        a, b, c = (x @ mixes[task]).T
        return x, (torch.sin(a) + 0.3 * b + 0.2 * c.abs() + 0.05 * torch.randn(n)).unsqueeze(1)

    for step in range(2500):
        task = int(torch.randint(5, ()))
        x, y = batch(task, 64)
        loss = nn.functional.mse_loss(heads[task](trunk(x)), y)
        for each in optimizers:
            each.zero_grad()
        loss.backward()
        for each in optimizers:
            each.step()
        if step % 500 == 499:
            print(f"step {step}: task {task} loss {loss.item():.4f}")
    scores = []
    with torch.no_grad():
        for task in range(5):
            x, y = batch(task, 1000)
            scores.append(1 - (heads[task](trunk(x)) - y).square().mean().item() / y.var().item())
    print(f"score: {sum(scores) / 5:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
