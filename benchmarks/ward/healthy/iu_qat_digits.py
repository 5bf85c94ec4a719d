"""Quantization-aware training: 3-bit weights (per channel) and 8-bit activations (moving-average range), straight-through.

After Jacob et al. (2017) and the QAT recipe of https://pytorch.org/docs/stable/quantization.html, written out by hand.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, g):
        return g


def quantize_weight(w, bits):
    """Symmetric, one scale for each output channel."""
    qmax = 2 ** (bits - 1) - 1
    scale = (w.detach().abs().amax(dim=1, keepdim=True) / qmax).clamp(min=1e-8)
    return torch.clamp(RoundSTE.apply(w / scale), -qmax, qmax) * scale


class ActQuant(nn.Module):
    """Unsigned activations; the upper end of the range is a moving average of the batch maximum."""

    def __init__(self, bits=8, momentum=0.05):
        super().__init__()
        self.levels, self.momentum = 2**bits - 1, momentum
        self.register_buffer("high", torch.tensor(0.0))

    def forward(self, x, enabled):
        if self.training:
            m = x.detach().max()
            self.high.copy_(m if self.high == 0 else (1 - self.momentum) * self.high + self.momentum * m)
        if not enabled:
            return x
        scale = self.high.clamp(min=1e-8) / self.levels
        return torch.clamp(RoundSTE.apply(x / scale), 0, self.levels) * scale


class QNet(nn.Module):
    def __init__(self, bits=3):
        super().__init__()
        self.bits, self.enabled = bits, False
        self.layers = nn.ModuleList([nn.Linear(64, 96), nn.Linear(96, 64), nn.Linear(64, 10)])
        self.acts = nn.ModuleList([ActQuant(), ActQuant()])

    def linear(self, layer, x):
        w = quantize_weight(layer.weight, self.bits) if self.enabled else layer.weight
        return F.linear(x, w, layer.bias)

    def forward(self, x):
        for layer, act in zip(self.layers, self.acts):
            x = act(F.relu(self.linear(layer, x)), self.enabled)
        return self.linear(self.layers[-1], x)


def run_epochs(model, x, y, epochs, lr, tag):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    batch = 64
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(batch):
            loss = F.cross_entropy(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        print(f"[{tag}] epoch {epoch + 1:2d} loss {total / len(x):.4f}")


@torch.no_grad()
def evaluate(model, x, y):
    model.eval()
    return (model(x).argmax(1) == y).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data, target = load_digits(return_X_y=True)
    x_tr, x_te, y_tr, y_te = train_test_split(data / 16.0, target, test_size=0.25, stratify=target, random_state=seed)
    x_tr, x_te = (torch.tensor(a, dtype=torch.float32) for a in (x_tr, x_te))
    y_tr, y_te = torch.tensor(y_tr), torch.tensor(y_te)

    model = QNet()
    run_epochs(model, x_tr, y_tr, 15, 2e-3, "float")
    float_acc = evaluate(model, x_te, y_te)
    model.enabled = True
    ptq_acc = evaluate(model, x_te, y_te)
    run_epochs(model, x_tr, y_tr, 10, 1e-3, "qat")
    qat_acc = evaluate(model, x_te, y_te)
    print(f"float {float_acc:.4f}  post-training quantized {ptq_acc:.4f}  after QAT {qat_acc:.4f}")
    print(f"score: {qat_acc:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
