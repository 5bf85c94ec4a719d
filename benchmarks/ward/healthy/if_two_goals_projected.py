"""Two tasks on one trunk, gradients made by hand: where they conflict, each gives up what hurts the other.

After torch.autograd.grad the projected gradients are written into .grad; no loss.backward() is ever called.
"""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class Trunk(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 64), nn.ReLU())
        self.digit = nn.Linear(64, 10)
        self.ink = nn.Linear(64, 1)

    def forward(self, x):
        h = self.shared(x)
        return self.digit(h), self.ink(h).squeeze(1)


def projected(first, second):
    """The sum of two flat gradients after each was made harmless to the other."""
    dot = first @ second
    if dot >= 0:
        return first + second
    return (first - dot / second.square().sum() * second) + (second - dot / first.square().sum() * first)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--lr", type=float, default=2e-3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    data, target = load_digits(return_X_y=True)
    x = torch.tensor(data / 8 - 0.6, dtype=torch.float32)
    digit = torch.tensor(target)
    right_half = x.reshape(-1, 8, 8)[:, :, 4:].mean(dim=(1, 2))
    ink = (right_half - right_half.mean()) / right_half.std()
    train, test = train_test_split(torch.arange(len(x)), test_size=0.25, random_state=args.seed, stratify=target)

    net = Trunk()
    shared = list(net.shared.parameters())
    heads = [*net.digit.parameters(), *net.ink.parameters()]
    optimizer = torch.optim.Adam(net.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
    conflicts = steps = 0
    for epoch in range(args.epochs):
        for rows in train[torch.randperm(len(train))].split(32):
            logits, amount = net(x[rows])
            losses = F.cross_entropy(logits, digit[rows]), F.mse_loss(amount, ink[rows])
            flat = [
                torch.cat([g.flatten() for g in torch.autograd.grad(loss, shared, retain_graph=True)])
                for loss in losses
            ]
            head_grads = torch.autograd.grad(sum(losses), heads)
            merged, offset = projected(*flat), 0
            for p in shared:
                p.grad = merged[offset : offset + p.numel()].view_as(p).clone()
                offset += p.numel()
            for p, g in zip(heads, head_grads, strict=True):
                p.grad = g
            optimizer.step()
            conflicts += bool(flat[0] @ flat[1] < 0)
            steps += 1
        scheduler.step()
        if epoch % 5 == 4:
            print(
                f"epoch {epoch + 1}: {losses[0].item():.4f} {losses[1].item():.4f}, conflicts {conflicts / steps:.2f}"
            )

    with torch.no_grad():
        logits, amount = net(x[test])
    accuracy = (logits.argmax(1) == digit[test]).float().mean().item()
    r2 = (1 - (amount - ink[test]).pow(2).mean() / ink[test].var()).item()
    print(f"accuracy {accuracy:.4f}, R2 {r2:.4f}")
    print(f"score: {(accuracy + r2) / 2:.4f}")


if __name__ == "__main__":
    main()
