"""Multi-task digits: a shared trunk with a head for the digit and a head for the amount of ink, trained in turn on
batches of one task or the other, so each head goes without a gradient (None) on the other task's steps.
"""

import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class MultiTask(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 64), nn.ReLU())
        self.heads = nn.ModuleDict({"digit": nn.Linear(64, 10), "ink": nn.Linear(64, 1)})

    def forward(self, x, task):
        return self.heads[task](self.trunk(x))


def task_loss(model, task, x, digit, ink):
    out = model(x, task)
    if task == "digit":
        return F.cross_entropy(out, digit)
    return F.smooth_l1_loss(out.squeeze(1), ink)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    seed = parser.parse_args().seed
    torch.set_num_threads(1)
    torch.manual_seed(seed)

    bunch = load_digits()
    perm = torch.randperm(len(bunch.target))
    x = torch.tensor(bunch.data, dtype=torch.float32)[perm] / 16
    digit = torch.tensor(bunch.target)[perm]
    ink = x.mean(1)
    train, test = slice(0, 1400), slice(1400, None)
    ink = (ink - ink[train].mean()) / ink[train].std()

    model = MultiTask()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    history = {"digit": [], "ink": []}
    for step in range(900):
        task = "ink" if step % 2 else "digit"
        rows = torch.randint(0, 1400, (40,))
        optimizer.zero_grad(set_to_none=True)
        loss = task_loss(model, task, x[rows], digit[rows], ink[rows])
        loss.backward()
        optimizer.step()
        history[task].append(loss.item())
        if (step + 1) % 90 == 0:
            recent = {name: sum(values[-20:]) / 20 for name, values in history.items()}
            print(f"step {step + 1}: " + ", ".join(f"{name} {value:.4f}" for name, value in recent.items()))

    model.eval()
    with torch.no_grad():
        accuracy = (model(x[test], "digit").argmax(1) == digit[test]).float().mean().item()
        residual = model(x[test], "ink").squeeze(1) - ink[test]
        r2 = 1 - residual.pow(2).sum().item() / (ink[test] - ink[test].mean()).pow(2).sum().item()
    print(f"digit accuracy {accuracy:.4f}, ink R2 {r2:.4f}")
    print(f"score: {(accuracy + r2) / 2:.4f}")


if __name__ == "__main__":
    main()
