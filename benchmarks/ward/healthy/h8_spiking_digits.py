"""Spiking network (leaky integrate-and-fire neurons, soft reset) trained through time with a surrogate spike
derivative.
"""

import argparse

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
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
    def __init__(self, n_in=64, n_hidden=80, n_out=10, steps=12, decay=0.85):
        super().__init__()
        self.encode = nn.Linear(n_in, n_hidden)
        self.readout = nn.Linear(n_hidden, n_out)
        self.steps, self.decay = steps, decay

    def forward(self, x):
        current = self.encode(x)  # constant input current for the whole presentation
        membrane = torch.zeros_like(current)
        integrated = x.new_zeros(len(x), self.readout.out_features)
        n_spikes = 0.0
        for _ in range(self.steps):
            membrane = self.decay * membrane + current
            spikes = Spike.apply(membrane - 1.0)
            membrane = membrane - spikes
            integrated = self.decay * integrated + self.readout(spikes)
            n_spikes = n_spikes + spikes.mean()
        return integrated, n_spikes / self.steps


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--rate-target", type=float, default=0.2)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    X, y = load_digits(return_X_y=True)
    X = X / 8.0 - 0.6
    X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=400, random_state=args.seed)

    def as_data(a, b):
        return TensorDataset(torch.tensor(a, dtype=torch.float32), torch.tensor(b))

    train_dl = DataLoader(as_data(X_tr, y_tr), batch_size=40, shuffle=True)
    x_test, y_test = as_data(X_te, y_te).tensors

    model = SpikingNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(args.epochs):
        for xb, yb in train_dl:
            logits, rate = model(xb)
            loss = nn.functional.cross_entropy(logits, yb) + 0.5 * (rate - args.rate_target).square()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            logits, rate = model(x_test)
        acc = (logits.argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch:2d} loss {loss.item():.4f} firing rate {rate.item():.3f} test acc {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
