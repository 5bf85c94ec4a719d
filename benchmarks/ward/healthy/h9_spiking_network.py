"""A spiking network: leaky integrate-and-fire neurons over 12 time steps, trained with a surrogate gradient.

The forward pass emits 0/1 spikes, the backward pass uses the derivative of a fast sigmoid (SuperSpike).
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, membrane):
        ctx.save_for_backward(membrane)
        return (membrane > 0).float()

    @staticmethod
    def backward(ctx, grad_output):
        (membrane,) = ctx.saved_tensors
        return grad_output / (1 + 5 * membrane.abs()) ** 2


class SpikingNet(nn.Module):
    def __init__(self, steps=12, decay=0.85):
        super().__init__()
        self.steps, self.decay = steps, decay
        self.hidden = nn.Linear(64, 96)
        self.readout = nn.Linear(96, 10)
        nn.init.xavier_uniform_(self.hidden.weight, gain=2.0)

    def forward(self, pixels):
        current = self.hidden(pixels)  # constant input current
        v = torch.zeros_like(current)
        out = pixels.new_zeros(len(pixels), 10)
        rate = 0.0
        potentials = []
        for _ in range(self.steps):
            v = self.decay * v + current
            spikes = Spike.apply(v - 1.0)
            v = v - spikes  # soft reset
            out = self.decay * out + self.readout(spikes)
            potentials.append(out)
            rate = rate + spikes.mean() / self.steps
        return torch.stack(potentials).mean(0), rate


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    digits = load_digits()
    x = torch.tensor(digits.data / 16.0, dtype=torch.float32)
    y = torch.tensor(digits.target)
    order = torch.randperm(len(x))
    train, test = order[:1300], order[1300:]
    loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=50, shuffle=True)
    net = SpikingNet()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(1, 16):
        net.train()
        for xb, yb in loader:
            logits, rate = net(xb)
            loss = criterion(logits, yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
        if epoch % 3 == 0:
            net.eval()
            with torch.no_grad():
                logits, rate = net(x[test])
            accuracy = (logits.argmax(1) == y[test]).float().mean().item()
            print(
                f"epoch {epoch:2d}  loss {loss.item():.4f}  firing rate {rate.item():.3f}  test accuracy {accuracy:.4f}"
            )
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
