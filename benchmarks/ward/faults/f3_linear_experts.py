"""Mixture of linear experts for a piecewise linear response. Experts and gate all start at zero, so every expert gets
the same gradient for ever and the mixture stays a single linear regression."""
# cause: symmetric-initialization
# kind: dynamic

import sys

import torch
from torch import nn


class LinearExperts(nn.Module):
    def __init__(self, dim, k):
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(dim, k))
        self.w = nn.Parameter(torch.zeros(dim, k))
        self.b = nn.Parameter(torch.zeros(k))
        # TWIN: nn.init.normal_(self.gate, std=0.5)
        # TWIN: nn.init.normal_(self.w, std=0.5)

    def forward(self, x):
        mix = torch.softmax(x @ self.gate, dim=1)
        return (mix * (x @ self.w + self.b)).sum(1)


def make_data(n, generator):
    x = torch.randn(n, 4, generator=generator)
    slope = torch.tensor([[1.0, -0.5, 0.3, 0.0], [-1.0, 0.5, 0.8, 0.6]])
    side = (x[:, 0] + 0.5 * x[:, 3] > 0).long()
    y = (x * slope[side]).sum(1) + 0.1 * torch.randn(n, generator=generator)
    return x, y


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed + 100)
    x, y = make_data(1200, gen)
    x_val, y_val = make_data(400, gen)

    model = LinearExperts(4, 6)
    loss_fn = nn.MSELoss()
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(40):
        perm = torch.randperm(len(x))
        for start in range(0, len(x), 60):
            rows = perm[start : start + 60]
            opt.zero_grad()
            loss = loss_fn(model(x[rows]), y[rows])
            loss.backward()
            opt.step()
        if epoch % 5 == 4:
            with torch.no_grad():
                train_mse, val_mse = loss_fn(model(x), y).item(), loss_fn(model(x_val), y_val).item()
            print(f"epoch {epoch + 1:3d} train mse {train_mse:.4f} val mse {val_mse:.4f}")
    print("score:", round(1 - val_mse / y_val.var().item(), 4))


if __name__ == "__main__":
    main()
