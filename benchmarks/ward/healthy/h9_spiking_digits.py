"""Spiking network on the digits: leaky integrate-and-fire neurons over ten time steps, spikes passed backward
through a fast-sigmoid surrogate, pixel intensities as Poisson spike trains, read-out membrane averaged over time."""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn


class Spike(torch.autograd.Function):
    slope = 5.0

    @staticmethod
    def forward(ctx, membrane):
        ctx.save_for_backward(membrane)
        return (membrane > 0).to(membrane.dtype)

    @staticmethod
    def backward(ctx, grad):
        (membrane,) = ctx.saved_tensors
        return grad / (1 + Spike.slope * membrane.abs()) ** 2


class LIFLayer(nn.Module):
    def __init__(self, n_in, n_out, decay=0.8):
        super().__init__()
        self.fc = nn.Linear(n_in, n_out)
        self.decay = decay

    def forward(self, spikes, membrane):
        membrane = self.decay * membrane + self.fc(spikes)
        out = Spike.apply(membrane - 1.0)
        return out, membrane - out.detach()


class SpikingNet(nn.Module):
    def __init__(self, hidden=100):
        super().__init__()
        self.hidden = hidden
        self.layer = LIFLayer(64, hidden)
        self.readout = nn.Linear(hidden, 10)

    def forward(self, rates, steps=10):
        v1 = rates.new_zeros(len(rates), self.hidden)
        v2 = rates.new_zeros(len(rates), 10)
        total, n_spikes = 0.0, 0.0
        for _ in range(steps):
            s, v1 = self.layer(torch.bernoulli(rates), v1)
            v2 = 0.9 * v2 + self.readout(s)
            total = total + v2
            n_spikes = n_spikes + s.mean()
        return total / steps, n_spikes / steps


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data = load_digits()
    x_tr, x_te, y_tr, y_te = train_test_split(
        torch.tensor(data.data, dtype=torch.float32) / 16, torch.tensor(data.target), test_size=0.25, random_state=seed
    )
    net = SpikingNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    for epoch in range(15):
        running, rate = 0.0, 0.0
        batches = torch.randperm(len(x_tr)).split(64)
        for idx in batches:
            logits, activity = net(x_tr[idx])
            loss = F.cross_entropy(logits, y_tr[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item() / len(batches)
            rate += activity.item() / len(batches)
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1:2d}  loss {running:.3f}  firing rate {rate:.3f}")
    with torch.no_grad():
        logits, _ = net(x_te, steps=20)
    print(f"score: {(logits.argmax(1) == y_te).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
