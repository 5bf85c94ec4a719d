"""Lookahead (k steps forward, one step back) written as a wrapper round any optimizer, here RMSprop, training a
LayerNorm network to tell five interleaved rings of points apart.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class Lookahead:
    def __init__(self, base, k=5, alpha=0.5):
        self.base, self.k, self.alpha, self.count = base, k, alpha, 0
        self.params = [p for group in base.param_groups for p in group["params"]]
        self.slow = [p.detach().clone() for p in self.params]

    def zero_grad(self):
        self.base.zero_grad()

    @torch.no_grad()
    def step(self):
        self.base.step()
        self.count += 1
        if self.count % self.k == 0:
            for slow, fast in zip(self.slow, self.params, strict=True):
                slow.add_(fast - slow, alpha=self.alpha)
                fast.copy_(slow)


def rings(n):
    label = torch.randint(5, (n,))
    radius = 0.4 * (label + 1) + 0.05 * torch.randn(n)
    angle = 2 * torch.pi * torch.rand(n)
    wobble = 1 + 0.08 * torch.sin(3 * angle)
    return torch.stack([radius * wobble * angle.cos(), radius * wobble * angle.sin()], dim=1), label


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    x_train, y_train = rings(3000)
    x_val, y_val = rings(1000)
    model = nn.Sequential(
        nn.Linear(2, 48), nn.LayerNorm(48), nn.GELU(), nn.Linear(48, 48), nn.LayerNorm(48), nn.GELU(), nn.Linear(48, 5)
    )
    optimizer = Lookahead(torch.optim.RMSprop(model.parameters(), lr=2e-3))
    for epoch in range(20):
        model.train()
        for rows in torch.randperm(len(x_train)).split(75):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x_train[rows]), y_train[rows])
            loss.backward()
            optimizer.step()
        if (epoch + 1) % 2 == 0:
            model.eval()
            with torch.no_grad():
                out = model(x_val)
            val_loss = F.cross_entropy(out, y_val).item()
            val_acc = out.argmax(1).eq(y_val).float().mean().item()
            print(f"epoch {epoch + 1:2d}  batch loss {loss.item():.4f}  val loss {val_loss:.4f}  val acc {val_acc:.4f}")
    print(f"score: {val_acc:.4f}")


if __name__ == "__main__":
    main()
