"""Sky maps of few bright sources from blurred, compressed measurements: ten unrolled steps of iterative shrinkage with
learned matrices and thresholds (LISTA). Data are fresh at each step and never repeat; all steps share one loss.
"""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
N, M, DEPTH = 64, 32, 10


class Soft(torch.autograd.Function):
    """Soft threshold with its derivative written out."""

    @staticmethod
    def forward(ctx, x, threshold):
        keep = x.abs() > threshold
        ctx.save_for_backward(keep, x.sign())
        return torch.where(keep, x - x.sign() * threshold, torch.zeros_like(x))

    @staticmethod
    def backward(ctx, grad):
        keep, sign = ctx.saved_tensors
        inside = grad * keep
        return inside, -(inside * sign).sum()


class Lista(nn.Module):
    def __init__(self, operator):
        super().__init__()
        step = 1 / torch.linalg.matrix_norm(operator, 2) ** 2
        self.register_buffer("operator", operator)
        self.encode = nn.Parameter((step * operator).repeat(DEPTH, 1, 1))
        self.log_threshold = nn.Parameter(torch.full((DEPTH,), (0.1 * step).log().item()))

    def forward(self, y):
        x, path = torch.zeros(len(y), N), []
        for k in range(DEPTH):
            x = Soft.apply(x - (x @ self.operator.T - y) @ self.encode[k], self.log_threshold[k].exp())
            path.append(x)
        return path


def sample(n, operator, gen):
    on = torch.rand(n, N, generator=gen) < 0.08
    sky = on * (0.5 + torch.rand(n, N, generator=gen)) * torch.randn(n, N, generator=gen).sign()
    return sky, sky @ operator.T + 0.02 * torch.randn(n, M, generator=gen)


def decibels(guess, truth):
    return 10 * torch.log10(truth.pow(2).sum() / (guess - truth).pow(2).sum()).item()


def main(seed):
    gen = torch.Generator().manual_seed(seed)
    operator = torch.randn(M, N, generator=gen)
    operator = operator / operator.norm(dim=0)
    model = Lista(operator)
    truth, y = sample(1000, operator, gen)
    with torch.no_grad():
        print(f"before training: {decibels(model(y)[-1], truth):.2f} dB")
    optimizer = torch.optim.Adam(
        [{"params": [model.encode], "lr": 2e-3}, {"params": [model.log_threshold], "lr": 2e-2}]
    )
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9975)
    weights = torch.linspace(0.1, 1, DEPTH)
    for step in range(1000):
        sky, seen = sample(128, operator, gen)
        errors = torch.stack([(x - sky).pow(2).sum(1).mean() for x in model(seen)])
        loss = (weights * errors).sum() / weights.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step % 100 == 99:
            with torch.no_grad():
                print(f"step {step + 1} loss {loss.item():.4f} held-out {decibels(model(y)[-1], truth):.2f} dB")
    truth, y = sample(2000, operator, gen)
    with torch.no_grad():
        print(f"score: {decibels(model(y)[-1], truth):.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
