"""The simplest model I could think of: it should learn to add three numbers up.

After https://discuss.pytorch.org/t/output-of-the-model-depends-on-the-shape-of-the-weights-tensor/148155
"""
# cause: broadcast-loss
# kind: dynamic

import sys

import numpy as np
import torch
from torch.nn import Linear as Lin
from torch.nn import Sequential as Seq
from torch.optim.lr_scheduler import ReduceLROnPlateau


def make_data(n):
    X = torch.rand((n, 3))
    y = X[:, 0] + X[:, 1] + X[:, 2]
    return X, y


def share_right(out, y):
    """How many of the sums are right to within 0.05."""
    return ((out.reshape(-1) - y).abs() < 0.05).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    torch.set_num_threads(1)

    X, y = make_data(1024)
    X_val, y_val = make_data(512)

    m = Seq(Lin(3, 1, bias=False))
    m[0].weight = torch.nn.parameter.Parameter(torch.zeros(1, 3))

    optim = torch.optim.SGD(m.parameters(), lr=10e-2)
    scheduler = ReduceLROnPlateau(optim, "min", factor=0.5, patience=20)
    mse = torch.nn.MSELoss()

    for epoch in range(500):
        optim.zero_grad()
        out = m(X)
        loss = mse(out, y)  # FAULT
        # TWIN: loss = mse(out, y.unsqueeze(1))
        loss.backward()
        optim.step()
        scheduler.step(loss.item())
        if epoch % 20 == 0:
            with torch.no_grad():
                val = share_right(m(X_val), y_val)
            print(f"{epoch:4d}  loss {loss.item():.6f}  lr {optim.param_groups[0]['lr']:.4f}  right {val:.4f}")

    print("weights:", [round(w, 4) for w in m[0].weight.detach().reshape(-1).tolist()])
    m.eval()
    with torch.no_grad():
        score = share_right(m(X_val), y_val)
    print(f"score: {score:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
