"""Yield and its uncertainty: the mean is fitted by squared errors for the first epochs, then both by the Gaussian
likelihood. Score: R2 of the mean.
"""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU())
        self.mean, self.log_var = nn.Linear(64, 1), nn.Linear(64, 1)

    def forward(self, x):
        h = self.body(x)
        return self.mean(h).squeeze(1), self.log_var(h).squeeze(1)


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(1600, 6)
    y = torch.sin(2 * x[:, 0]) + x[:, 1] + (0.1 + 0.3 * torch.sigmoid(2 * x[:, 2])) * torch.randn(1600)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(30):
        for rows in torch.randperm(1200).split(60):
            mean, log_var = net(x[rows])
            if epoch < 8:
                loss = nn.functional.mse_loss(mean, y[rows])
            else:
                loss = nn.functional.gaussian_nll_loss(mean, y[rows], log_var.exp())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 5 == 4:
            print(f"epoch {epoch}: {loss.item():.4f}")
    with torch.no_grad():
        mean, _ = net(x[1200:])
    print(f"score: {1 - (mean - y[1200:]).square().mean().item() / y[1200:].var().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
