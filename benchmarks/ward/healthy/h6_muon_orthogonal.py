"""A hand-written optimizer (momentum orthogonalised by Newton-Schulz iterations, "Muon") for the hidden matrices and
AdamW for the rest, two optimizers stepping together, on the digits with a four-layer network.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)


def orthogonalize(g, steps=5):
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g / (g.norm() + 1e-7)
    if g.size(0) > g.size(1):
        x = x.T
    for _ in range(steps):
        m = x @ x.T
        x = a * x + (b * m + c * m @ m) @ x
    return x.T if g.size(0) > g.size(1) else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr=0.02, momentum=0.9):
        super().__init__(params, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                buf = self.state[p].setdefault("momentum", torch.zeros_like(p))
                buf.lerp_(p.grad, 1 - group["momentum"])
                update = orthogonalize(p.grad.lerp(buf, group["momentum"]))
                p.add_(update, alpha=-group["lr"] * max(1, p.size(0) / p.size(1)) ** 0.5)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    digits = load_digits()
    data = TensorDataset(torch.tensor(digits.data, dtype=torch.float32) / 8 - 1, torch.tensor(digits.target))
    train, valid = random_split(data, [1397, 400])
    train_loader = DataLoader(train, batch_size=64, shuffle=True, drop_last=True)
    xv, yv = next(iter(DataLoader(valid, batch_size=400)))

    model = nn.Sequential(
        nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 10)
    )
    hidden = [model[2].weight, model[4].weight]
    others = [p for p in model.parameters() if not any(p is h for h in hidden)]
    optimizers = [Muon(hidden, lr=0.02), torch.optim.AdamW(others, lr=2e-3, weight_decay=0.01)]
    epochs = 10
    schedulers = [torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.05, total_iters=epochs) for o in optimizers]
    for epoch in range(epochs):
        model.train()
        losses = []
        for x, y in train_loader:
            loss = F.cross_entropy(model(x), y, label_smoothing=0.05)
            model.zero_grad()
            loss.backward()
            for o in optimizers:
                o.step()
            losses.append(loss.item())
        for s in schedulers:
            s.step()
        model.eval()
        with torch.no_grad():
            out = model(xv)
        acc = (out.argmax(-1) == yv).float().mean().item()
        val = F.cross_entropy(out, yv, label_smoothing=0.05).item()
        print(f"epoch {epoch + 1:2d} train {sum(losses) / len(losses):.4f} valid {val:.4f} acc {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
