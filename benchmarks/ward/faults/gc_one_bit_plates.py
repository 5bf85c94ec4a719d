"""A layer with weights of one bit: the forward pass takes their sign, the backward pass goes straight through (a custom
autograd function)."""
# cause: unshuffled-data
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight):
        ctx.save_for_backward(weight)
        return torch.where(weight >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad):
        (weight,) = ctx.saved_tensors
        return grad * (weight.abs() <= 1)


class BitLinear(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs).uniform_(-0.3, 0.3))

    def forward(self, x):
        return nn.functional.linear(x, Sign.apply(self.weight)) / x.shape[1] ** 0.5


def plates(n, kinds):
    y = torch.arange(len(kinds)).repeat_interleave(n // len(kinds))  # FAULT
    return kinds[y] + torch.randn(len(y), 24), y  # FAULT
    # TWIN: y = torch.randint(len(kinds), (n,))
    # TWIN: return kinds[y] + torch.randn(n, 24), y


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    kinds = 0.8 * torch.randn(8, 24)
    train = DataLoader(TensorDataset(*plates(2000, kinds)), batch_size=50)  # FAULT
    # TWIN: train = DataLoader(TensorDataset(*plates(2000, kinds)), batch_size=50, shuffle=True)
    x_test, y_test = plates(500, kinds)
    net = nn.Sequential(BitLinear(24, 64), nn.BatchNorm1d(64), nn.Hardtanh(), nn.Linear(64, 8))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, total_iters=12)
    for epoch in range(12):
        net.train()
        for x, y in train:
            loss = nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        net.eval()
        with torch.no_grad():
            right = (net(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch} loss {loss.item():.4f} right {right:.4f}")
    print(f"score: {right:.4f}")
