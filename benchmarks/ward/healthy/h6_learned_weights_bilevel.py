"""Bilevel learning: a quarter of the training labels are wrong; the weight of each training row is learned by one
differentiable inner step and the gradient of a small clean set through it. Score: test accuracy.
"""

import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

torch.set_num_threads(1)


def rows(n, w):
    x = torch.randn(n, 8)
    return x, (torch.tanh(x @ w).sum(1) > 0).long()


def main(seed):
    torch.manual_seed(seed)
    w = 0.7 * torch.linalg.qr(torch.randn(8, 3)).Q
    x, y = rows(2400, w)
    wrong = torch.rand(len(y)) < 0.25
    y_noisy = torch.where(wrong, 1 - y, y)
    x_clean, y_clean = rows(600, w)
    x_test, y_test = rows(1000, w)

    net = nn.Sequential(nn.Linear(8, 24), nn.Tanh(), nn.Linear(24, 2))
    row_logit = torch.zeros(len(x), requires_grad=True)
    inner = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-3)
    outer = torch.optim.Adam([row_logit], lr=0.2)
    for step in range(1, 601):
        idx = torch.randint(0, len(x), (200,))

        # outer problem: would a step on these rows, weighted like this, help on the clean rows?
        params = dict(net.named_parameters())
        losses = F.cross_entropy(functional_call(net, params, x[idx]), y_noisy[idx], reduction="none")
        weighted = (torch.sigmoid(row_logit[idx]) * losses).mean()
        grads = torch.autograd.grad(weighted, list(params.values()), create_graph=True)
        stepped = {name: p - 1.0 * g for (name, p), g in zip(params.items(), grads, strict=True)}
        clean_loss = F.cross_entropy(functional_call(net, stepped, x_clean), y_clean)
        (row_logit.grad,) = torch.autograd.grad(clean_loss, row_logit)
        outer.step()

        # inner problem: the step itself
        weight = torch.sigmoid(row_logit[idx]).detach()
        loss = (weight * F.cross_entropy(net(x[idx]), y_noisy[idx], reduction="none")).sum() / weight.sum()
        inner.zero_grad()
        loss.backward()
        inner.step()
        if step % 100 == 0:
            weights = torch.sigmoid(row_logit.detach())
            with torch.no_grad():
                out = net(x_test)
            acc = (out.argmax(1) == y_test).float().mean().item()
            print(
                f"step {step}: weighted loss {loss.item():.4f} clean loss {clean_loss.item():.4f} "
                f"weight of right rows {weights[~wrong].mean():.3f}, of wrong ones {weights[wrong].mean():.3f} "
                f"test acc {acc:.4f}"
            )
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
