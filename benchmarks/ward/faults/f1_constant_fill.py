"""Three interleaved spirals, a tanh MLP with Adam, every weight filled with the same small constant (TDC wrong_init).

All units of a layer stay copies of each other (Stack Overflow 48027263).
"""
# cause: symmetric-initialization
# accept: bad-initialization
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn


def spirals(n_per_class, rng, classes=3):
    xs, ys = [], []
    for c in range(classes):
        r = np.linspace(0.1, 1, n_per_class)
        theta = 3.5 * r + c * 2 * np.pi / classes + rng.normal(scale=0.12, size=n_per_class)
        xs.append(np.stack([r * np.sin(theta), r * np.cos(theta)], 1))
        ys.append(np.full(n_per_class, c))
    x, y = np.concatenate(xs), np.concatenate(ys)
    return torch.tensor(2 * x, dtype=torch.float32), torch.tensor(y)


class SpiralNet(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.l1 = nn.Linear(2, hidden)
        self.l2 = nn.Linear(hidden, hidden)
        self.l3 = nn.Linear(hidden, 3)

    def forward(self, x):
        return self.l3(torch.tanh(self.l2(torch.tanh(self.l1(x)))))


def main(seed=0):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = spirals(300, rng)
    x_val, y_val = spirals(100, rng)

    net = SpiralNet()
    for p in net.parameters():
        if p.dim() > 1:
            nn.init.constant_(p, 0.1)  # FAULT
            # TWIN: nn.init.xavier_uniform_(p)
        else:
            nn.init.zeros_(p)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss()

    for epoch in range(40):
        net.train()
        for idx in torch.randperm(len(x)).chunk(15):
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(net(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
        if (epoch + 1) % 8 == 0:
            net.eval()
            with torch.inference_mode():
                out = net(x_val)
                acc = (out.argmax(1) == y_val).float().mean()
                print(f"epoch {epoch + 1} val loss {criterion(out, y_val):.4f} val acc {acc:.4f}")
    print(f"score: {acc.item():.4f}")


if __name__ == "__main__":
    main(*[int(a) for a in sys.argv[1:2]])
