"""LAMB written as a subclass of torch.optim.Optimizer: Adam's direction rescaled per tensor by the ratio of the norm of
the weights to that of the update. Large batches of 400 of a synthetic table, a warm-up and a linear decay.
"""

import sys

import torch
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler
from torch import nn


class Lamb(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-2, betas=(0.9, 0.99), eps=1e-6, weight_decay=0.01):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["step"], state["m"], state["v"] = 0, torch.zeros_like(p), torch.zeros_like(p)
                state["step"] += 1
                m, v = state["m"], state["v"]
                m.mul_(b1).add_(p.grad, alpha=1 - b1)
                v.mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
                update = (m / (1 - b1 ** state["step"])) / ((v / (1 - b2 ** state["step"])).sqrt() + group["eps"])
                if p.dim() > 1:
                    update = update + group["weight_decay"] * p
                    ratio = (p.norm() / update.norm()).clamp(max=10.0)
                else:
                    ratio = 1.0
                p.add_(update * ratio, alpha=-group["lr"])


def main():
    torch.set_num_threads(1)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    X, y = make_classification(
        8000, 20, n_informative=12, n_classes=5, n_clusters_per_class=2, class_sep=1.6, random_state=seed
    )
    scaler = StandardScaler().fit(X[:6400])
    X, y = torch.tensor(scaler.transform(X), dtype=torch.float32), torch.tensor(y)
    net = nn.Sequential(nn.Linear(20, 96), nn.GELU(), nn.LayerNorm(96), nn.Linear(96, 96), nn.GELU(), nn.Linear(96, 5))
    steps, warmup, peak = 400, 40, 2e-2
    optimizer = Lamb(net.parameters(), lr=peak)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    for step in range(steps):
        lr = peak * min((step + 1) / warmup, (steps - step) / (steps - warmup))
        for group in optimizer.param_groups:
            group["lr"] = lr
        idx = torch.randint(6400, (400,))
        loss = criterion(net(X[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 50 == 0:
            with torch.no_grad():
                out = net(X[6400:])
            acc = (out.argmax(1) == y[6400:]).float().mean().item()
            print(f"step {step + 1} loss {loss.item():.4f} val {criterion(out, y[6400:]).item():.4f} acc {acc:.4f}")
    print(f"score: {acc:.4f}")


main()
