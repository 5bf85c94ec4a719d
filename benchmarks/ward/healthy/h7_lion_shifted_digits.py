"""The Lion optimizer (sign of an interpolated momentum, decoupled decay) as an Optimizer subclass, on a strided CNN
for digits that are moved left or right by up to one pixel while training.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.optim import Optimizer

torch.set_num_threads(1)


class Lion(Optimizer):
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["exp_avg"] = torch.zeros_like(p)
                m = state["exp_avg"]
                update = m.mul(beta1).add(p.grad, alpha=1 - beta1).sign_()
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"])
                m.lerp_(p.grad, 1 - beta2)
        return loss


def shift(images):
    padded = F.pad(images, (1, 1), value=-1.0)
    versions = torch.stack([padded[..., dx : dx + 8] for dx in range(3)])
    return versions[torch.randint(3, (len(images),)), torch.arange(len(images))]


def main(seed):
    torch.manual_seed(seed)
    digits = load_digits()
    order = torch.randperm(len(digits.target))
    images = torch.tensor(digits.images, dtype=torch.float32)[order].unsqueeze(1) / 8 - 1
    labels = torch.tensor(digits.target)[order]
    train_x, train_y, test_x, test_y = images[:1400], labels[:1400], images[1400:], labels[1400:]

    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.GELU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.GELU(),
        nn.Flatten(),
        nn.Linear(32 * 16, 10),
    )
    optimizer = Lion(model.parameters(), lr=1e-3, weight_decay=0.5)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, total_iters=16)
    for epoch in range(16):
        model.train()
        epoch_loss = 0.0
        for idx in torch.randperm(len(train_x)).split(50):
            loss = F.cross_entropy(model(shift(train_x[idx])), train_y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(idx) / len(train_x)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            acc = (model(test_x).argmax(1) == test_y).float().mean().item()
        print(f"epoch {epoch + 1:2d}: loss {epoch_loss:.4f}, test accuracy {acc:.4f}")
    print(f"score: {acc:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
