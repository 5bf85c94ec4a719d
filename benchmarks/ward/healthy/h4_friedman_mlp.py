"""Friedman #1 regression (five useful inputs of ten) with a two-hidden-layer MLP, cosine schedule, R2 on held-out."""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


class MLP(nn.Module):
    def __init__(self, n_in, width):
        super().__init__()
        self.l1 = nn.Linear(n_in, width)
        self.l2 = nn.Linear(width, width)
        self.l3 = nn.Linear(width, 1)

    def forward(self, x):
        x = F.silu(self.l1(x))
        x = F.silu(self.l2(x))
        return self.l3(x).squeeze(-1)


def main(args):
    torch.manual_seed(args.seed)
    X, y = make_friedman1(n_samples=2000, noise=0.5, random_state=args.seed)
    sx, sy = StandardScaler().fit(X[:1500]), StandardScaler().fit(y[:1500, None])
    X = torch.as_tensor(sx.transform(X), dtype=torch.float32)
    y = torch.as_tensor(sy.transform(y[:, None])[:, 0], dtype=torch.float32)
    loader = DataLoader(TensorDataset(X[:1500], y[:1500]), batch_size=args.batch_size, shuffle=True)

    net = MLP(10, 48)
    opt = torch.optim.AdamW(net.parameters(), lr=args.lr, weight_decay=1e-2)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=args.epochs)
    for epoch in range(args.epochs):
        net.train()
        for xb, yb in loader:
            loss = F.mse_loss(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
        sched.step()
        net.eval()
        with torch.no_grad():
            pred = net(X[1500:])
            val = F.mse_loss(pred, y[1500:]).item()
        print(f"[{epoch + 1}/{args.epochs}] batch loss {loss.item():.4f} val mse {val:.4f}")
    print(f"score: {1 - val / y[1500:].var(unbiased=False).item():.4f}")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("seed", type=int, nargs="?", default=0)
    p.add_argument("--epochs", type=int, default=20)
    p.add_argument("--lr", type=float, default=4e-3)
    p.add_argument("--batch-size", type=int, default=50)
    main(p.parse_args())
