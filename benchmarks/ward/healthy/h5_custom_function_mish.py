"""A custom autograd Function: an activation (mish) whose backward pass recomputes from the saved input, checked with
gradcheck before training a two-output regression.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F


class Mish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.tanh(F.softplus(x))

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        t = torch.tanh(F.softplus(x))
        return grad_output * (t + x * torch.sigmoid(x) * (1 - t * t))


class MishLayer(nn.Module):
    def forward(self, x):
        return Mish.apply(x)


def make_table(n):
    x = 2 * torch.rand(n, 4) - 1
    a = torch.sin(2 * x[:, 0]) * x[:, 1] + x[:, 2] ** 2
    b = torch.exp(-(x[:, 0] ** 2) - x[:, 3] ** 2) + 0.5 * x[:, 1]
    y = torch.stack([a, b], 1)
    return x, y + 0.05 * torch.randn_like(y)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    ok = torch.autograd.gradcheck(Mish.apply, (torch.randn(5, dtype=torch.double, requires_grad=True),))
    print("gradcheck", ok)

    x, y = make_table(3000)
    mean, std = y[:2400].mean(0), y[:2400].std(0)
    x, y = x / 0.577, (y - mean) / std
    net = nn.Sequential(nn.Linear(4, 48), MishLayer(), nn.Linear(48, 48), MishLayer(), nn.Linear(48, 2))
    loss_fn = nn.SmoothL1Loss()
    optimizer = torch.optim.NAdam(net.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=8, gamma=0.3)
    for epoch in range(20):
        net.train()
        losses = []
        for idx in torch.randperm(2400).split(48):
            optimizer.zero_grad()
            loss = loss_fn(net(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        net.eval()
        with torch.no_grad():
            pred = net(x[2400:])
        r2 = 1 - ((pred - y[2400:]) ** 2).mean(0) / y[2400:].var(0)
        if epoch % 4 == 3:
            val = loss_fn(pred, y[2400:])
            print(f"epoch {epoch + 1} train {sum(losses) / 50:.4f} val {val:.4f} R2 {r2[0]:.4f} {r2[1]:.4f}")
    print(f"score: {r2.mean():.4f}")


main()
