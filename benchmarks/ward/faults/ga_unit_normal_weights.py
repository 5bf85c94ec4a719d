"""Feedback alignment on digits: errors travel back through fixed random matrices instead of the transposed weights."""
# cause: saturated-units
# accept: bad-initialization
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class FALinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, feedback):
        ctx.save_for_backward(x, feedback)
        return x @ weight.t() + bias

    @staticmethod
    def backward(ctx, grad):
        x, feedback = ctx.saved_tensors
        return grad @ feedback, grad.t() @ x, grad.sum(0), None


class FALinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in))  # FAULT
        # TWIN: self.weight = nn.Parameter(torch.randn(n_out, n_in) / n_in**0.5)
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.register_buffer("feedback", torch.randn(n_out, n_in) / n_in**0.5)

    def forward(self, x):
        return FALinearFunction.apply(x, self.weight, self.bias, self.feedback)


digits = load_digits()
order = torch.randperm(len(digits.target))
images = (torch.tensor(digits.data, dtype=torch.float32) / 16 - 0.305)[order]
target = torch.tensor(digits.target)[order]
x_train, x_test, y_train, y_test = images[:1400], images[1400:], target[:1400], target[1400:]

net = nn.Sequential(FALinear(64, 96), nn.Tanh(), FALinear(96, 48), nn.Tanh(), FALinear(48, 10))
optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)


def alignment(layer):
    """Cosine between the forward weights and the feedback matrix; it grows on its own during training."""
    return nn.functional.cosine_similarity(layer.weight.detach().flatten(), layer.feedback.flatten(), dim=0).item()


for epoch in range(1, 31):
    total = 0.0
    for idx in torch.randperm(1400).split(35):
        loss = nn.functional.cross_entropy(net(x_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    if epoch % 5 == 0:
        with torch.no_grad():
            acc = (net(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch:2d} loss {total / 1400:.4f} acc {acc:.4f} {alignment(net[2]):.3f} {alignment(net[4]):.3f}")

print(f"score: {acc:.4f}")
