"""Shrink a digits classifier for a microcontroller while it trains: hard-concrete gates (Louizos et al. 2018) on the
input pixels and hidden units, with an expected-L0 penalty that is ramped up over the first epochs. At the end the
gates are fixed, closed units are cut out of the matrices, and the small network is scored on held-out digits."""

import math
import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

GAMMA, ZETA, BETA = -0.1, 1.1, 2 / 3


class Gate(nn.Module):
    def __init__(self, width, open_probability=0.9):
        super().__init__()
        start = math.log(open_probability / (1 - open_probability))
        self.log_alpha = nn.Parameter(start + 0.01 * torch.randn(width))

    def forward(self, x):
        if self.training:
            u = torch.empty(len(x), self.log_alpha.numel()).uniform_(1e-6, 1 - 1e-6)
            s = torch.sigmoid((u.log() - (1 - u).log() + self.log_alpha) / BETA)
        else:
            s = torch.sigmoid(self.log_alpha)
        return x * (s * (ZETA - GAMMA) + GAMMA).clamp(0, 1)

    def expected_open(self):
        return torch.sigmoid(self.log_alpha - BETA * math.log(-GAMMA / ZETA)).sum()

    @torch.no_grad()
    def fixed(self):
        return (torch.sigmoid(self.log_alpha) * (ZETA - GAMMA) + GAMMA).clamp(0, 1)


@torch.no_grad()
def compact(gate_in, first, gate_hidden, second):
    a, b = gate_in.fixed(), gate_hidden.fixed()
    pixels, units = a.nonzero().squeeze(1), b.nonzero().squeeze(1)
    small1, small2 = nn.Linear(len(pixels), len(units)), nn.Linear(len(units), 10)
    small1.weight.copy_((first.weight * a)[units][:, pixels])
    small1.bias.copy_(first.bias[units])
    small2.weight.copy_((second.weight * b)[:, units])
    small2.bias.copy_(second.bias)
    return pixels, nn.Sequential(small1, nn.ReLU(), small2)


def main():
    torch.set_num_threads(1)
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    images, digits = load_digits(return_X_y=True)
    split = train_test_split(images / 8.0 - 1.0, digits, test_size=0.25, random_state=seed, stratify=digits)
    x, x_test = (torch.tensor(a, dtype=torch.float32) for a in split[:2])
    y, y_test = (torch.tensor(a) for a in split[2:])
    gate_in, first, gate_hidden, second = Gate(64), nn.Linear(64, 80), Gate(80), nn.Linear(80, 10)
    net = nn.Sequential(gate_in, first, nn.ReLU(), gate_hidden, second)
    gates = [gate_in.log_alpha, gate_hidden.log_alpha]
    weights = [*first.parameters(), *second.parameters()]
    optimizer = torch.optim.Adam([{"params": weights, "lr": 3e-3}, {"params": gates, "lr": 3e-2}])
    epochs = 40
    for epoch in range(epochs):
        net.train()
        strength = 1e-2 * min(1.0, epoch / 10)
        for idx in torch.randperm(len(x)).split(64):
            cross_entropy = nn.functional.cross_entropy(net(x[idx]), y[idx])
            penalty = strength * (gate_in.expected_open() + gate_hidden.expected_open())
            optimizer.zero_grad()
            (cross_entropy + penalty).backward()
            optimizer.step()
        if epoch % 8 == 7:
            net.eval()
            with torch.no_grad():
                acc = (net(x_test).argmax(1) == y_test).float().mean().item()
            left = [int((g.fixed() > 0).sum()) for g in (gate_in, gate_hidden)]
            print(f"epoch {epoch + 1}: loss {cross_entropy.item():.4f} accuracy {acc:.3f} pixels/units left {left}")
    pixels, small = compact(gate_in, first, gate_hidden, second)
    count = sum(p.numel() for p in small.parameters())
    print(f"parameters {sum(p.numel() for p in weights)} -> {count}")
    with torch.no_grad():
        print(f"score: {(small(x_test[:, pixels]).argmax(1) == y_test).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
