"""An echo state network: a large random recurrent reservoir that is never trained, and a linear readout that is.

The reservoir's weights are buffers; only a few per cent of the numbers in the model learn. Task: the Mackey-Glass
series, ten steps ahead.
"""
# cause: output-range
# kind: dynamic

import sys

import torch
from torch import nn


def mackey_glass(length, tau=17, gen=None):
    values = [1.2 + 0.2 * torch.rand((), generator=gen).item() for _ in range(tau + 1)]
    for _ in range(length + 300):
        past = values[-tau - 1]
        values.append(values[-1] + 0.2 * past / (1 + past**10) - 0.1 * values[-1])
    return torch.tensor(values[-length:])


class EchoState(nn.Module):
    def __init__(self, units=200, radius=0.9, leak=0.5):
        super().__init__()
        w = torch.randn(units, units) * (torch.rand(units, units) < 0.1)
        w *= radius / torch.linalg.eigvals(w).abs().max()
        self.register_buffer("recurrent", w)
        self.register_buffer("inject", torch.rand(units, 2) - 0.5)
        self.leak = leak
        self.readout = nn.Linear(units, 1)

    @torch.no_grad()
    def states(self, series):
        h, collected = self.recurrent.new_zeros(len(self.recurrent)), []
        for value in series:
            drive = self.inject @ torch.stack([value, torch.ones_like(value)])
            h = (1 - self.leak) * h + self.leak * torch.tanh(self.recurrent @ h + drive)
            collected.append(h)
        return torch.stack(collected)

    def forward(self, states):
        return torch.tanh(self.readout(states)).squeeze(-1)  # FAULT
        # TWIN: return self.readout(states).squeeze(-1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    horizon, washout, split = 10, 100, 3000
    series = mackey_glass(4000, gen=gen)
    series = (series - series[:split].mean()) / series[:split].std()

    net = EchoState()
    states = net.states(series)
    states = (states - states[washout:split].mean(0)) / states[washout:split].std(0)
    x_train, y_train = states[washout:split], series[washout + horizon : split + horizon]
    x_test, y_test = states[split:-horizon], series[split + horizon :]

    optimizer = torch.optim.Adam(net.readout.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40)
    for epoch in range(40):
        total = 0.0
        for rows in torch.randperm(len(x_train)).split(50):
            loss = nn.functional.mse_loss(net(x_train[rows]), y_train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        scheduler.step()
        if epoch % 8 == 7:
            print(f"epoch {epoch + 1}: mse {total / len(x_train):.5f}")
    with torch.no_grad():
        r2 = 1 - (net(x_test) - y_test).pow(2).mean() / y_test.var()
    print(f"score: {r2.item():.4f}")


if __name__ == "__main__":
    main()
