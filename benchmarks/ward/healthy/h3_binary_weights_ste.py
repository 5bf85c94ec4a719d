"""A layer with binary weights: the forward pass uses the sign of the latent weights times their mean size, the
backward pass (custom autograd Function) lets the gradient straight through where the latent weight is within [-1, 1].
"""

import sys

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


class Binarise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w):
        ctx.save_for_backward(w)
        return torch.where(w >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad_output):
        (w,) = ctx.saved_tensors
        return grad_output * (w.abs() <= 1)


class BinaryLinear(nn.Linear):
    def forward(self, x):
        scale = self.weight.detach().abs().mean(dim=1, keepdim=True)
        return nn.functional.linear(x, scale * Binarise.apply(self.weight), self.bias)


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).sum().item() / len(y)


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    bunch = load_digits()
    x = torch.tensor(bunch.data, dtype=torch.float32) / 8 - 1
    y = torch.tensor(bunch.target)
    order = torch.randperm(len(x))
    tr, te = order[:1400], order[1400:]
    loader = DataLoader(TensorDataset(x[tr], y[tr]), batch_size=50, shuffle=True)
    net = nn.Sequential(
        nn.Linear(64, 96),
        nn.BatchNorm1d(96),
        nn.Hardtanh(),
        BinaryLinear(96, 96),
        nn.BatchNorm1d(96),
        nn.Hardtanh(),
        nn.Linear(96, 10),
    )
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(15):
        net.train()
        for xb, yb in loader:
            opt.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            opt.step()
            with torch.no_grad():
                net[3].weight.clamp_(-1, 1)
        if epoch % 3 == 2:
            positive = (net[3].weight >= 0).float().mean().item()
            print(f"epoch {epoch + 1}: test {evaluate(net, x[te], y[te]):.4f}, share of +1 weights {positive:.3f}")
    print(f"score: {evaluate(net, x[te], y[te]):.4f}")
