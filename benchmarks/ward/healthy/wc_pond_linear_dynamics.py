"""Identification of a linear system: a state of 10 that moves by a matrix, an input
that comes in by another, read by a third; errors of noisy readings. Score: R2 of the simulation on held-out inputs.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class System(nn.Module):
    def __init__(self, n=10):
        super().__init__()
        self.n = n
        self.move, self.feed, self.read = nn.Linear(n, n, bias=False), nn.Linear(2, n), nn.Linear(n, 3)
        with torch.no_grad():
            self.move.weight.copy_(0.8 * torch.eye(n) + 0.05 * torch.randn(n, n))

    def forward(self, u):
        x, out = torch.zeros(len(u), self.n), []
        for t in range(u.shape[1]):
            x = self.move(x) + self.feed(u[:, t])
            out.append(self.read(x))
        return torch.stack(out, 1)


def main(seed):
    torch.manual_seed(seed)
    u = torch.randn(600, 30, 2)
    a = torch.linalg.qr(torch.randn(6, 6))[0] * 0.9
    b, c = torch.randn(6, 2) * 0.5, torch.randn(3, 6) * 0.5
    x, y = torch.zeros(600, 6), []
    for t in range(30):
        x = x @ a.T + u[:, t] @ b.T
        y.append(x @ c.T)
    clean = torch.stack(y, 1)
    y = clean + 0.8 * clean.std() * torch.randn_like(clean)
    net = System()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(1, 31):
        for idx in torch.randperm(500).split(50):
            loss = F.mse_loss(net(u[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
        if epoch % 5 == 0:
            with torch.no_grad():
                r2 = 1 - F.mse_loss(net(u[500:]), clean[500:]).item() / clean[500:].var().item()
            print(f"epoch {epoch}: loss {loss.item():.4f} R2 {r2:.4f}")
    print(f"score: {r2:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
