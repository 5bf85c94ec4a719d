"""Leaky integrate-and-fire neurons learn which of four touch gestures produced a burst of sensor spikes.

The spike is a hard threshold in the forward pass with a smooth derivative in the backward pass; membrane leaks learned.
"""

import sys

import torch
from torch import nn

torch.set_num_threads(1)


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, voltage):
        ctx.save_for_backward(voltage)
        return (voltage > 0).to(voltage.dtype)

    @staticmethod
    def backward(ctx, grad):
        (voltage,) = ctx.saved_tensors
        return grad / (1 + 4 * voltage.abs()) ** 2


class SpikingLayer(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.synapse = nn.Linear(n_in, n_out)
        nn.init.normal_(self.synapse.weight, std=1.2 / n_in**0.5)
        self.leak = nn.Parameter(torch.full((n_out,), 2.0))

    def forward(self, spikes):
        drive = self.synapse(spikes)
        voltage = torch.zeros_like(drive[:, 0])
        keep = torch.sigmoid(self.leak)
        out = []
        for t in range(drive.shape[1]):
            voltage = keep * voltage + drive[:, t]
            fired = Spike.apply(voltage - 1.0)
            voltage = voltage - fired.detach()
            out.append(fired)
        return torch.stack(out, dim=1)


class GestureNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = SpikingLayer(16, 48)
        self.readout = nn.Linear(48, 4)

    def forward(self, spikes):
        fired = self.hidden(spikes)
        return self.readout(fired).mean(dim=1) * 4, fired.mean()


def gestures(n):
    """16 sensors in a row, 25 time steps: swipe right, swipe left, spread from the middle, close to the middle."""
    kind = torch.randint(0, 4, (n,))
    t = torch.linspace(0, 1, 25)
    place = torch.linspace(-1, 1, 16)
    shift = 0.15 * torch.randn(n, 1, 1)
    front = torch.stack([2 * t - 1, 1 - 2 * t, t, 1 - t])[kind][:, :, None]
    where = torch.where((kind >= 2)[:, None, None], place.abs(), place)
    rate = 0.75 * torch.exp(-(((where - front - shift) / 0.25) ** 2)) + 0.04
    return (torch.rand(n, 25, 16) < rate).float(), kind


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    x, y = gestures(800)
    x_test, y_test = gestures(300)
    net = GestureNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    for epoch in range(16):
        losses, rates = [], []
        for rows in torch.randperm(800).split(40):
            logits, rate = net(x[rows])
            loss = nn.functional.cross_entropy(logits, y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            rates.append(rate.item())
        print(f"epoch {epoch}: loss {sum(losses) / 20:.4f}, firing rate {sum(rates) / 20:.3f}")
    with torch.no_grad():
        logits, _ = net(x_test)
    print(f"score: {logits.argmax(1).eq(y_test).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
