"""Truncated backpropagation through time: the hidden state is carried over chunks and detached, eight streams."""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
STREAMS, CHUNK = 8, 25


class Tracker(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 24, batch_first=True)
        self.readout = nn.Linear(24, 1)

    def forward(self, x, state=None):
        h, state = self.lstm(x, state)
        return self.readout(h), state


def leaky_sums(streams, length):
    x = torch.randn(streams, length, 1)
    y, level = torch.zeros_like(x), torch.zeros(streams, 1)
    for t in range(length):
        level = 0.8 * level + 0.6 * x[:, t]
        y[:, t] = level
    return x, y


x_train, y_train = leaky_sums(STREAMS, 1000)
x_test, y_test = leaky_sums(4, 300)
model = Tracker()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
mse = nn.MSELoss()

for epoch in range(1, 9):
    state, total, chunks = None, 0.0, 0
    for xb, yb in zip(x_train.split(CHUNK, dim=1), y_train.split(CHUNK, dim=1)):
        if state is not None:
            state = tuple(s.detach() for s in state)
        pred, state = model(xb, state)
        loss = mse(pred, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total, chunks = total + loss.item(), chunks + 1
    with torch.no_grad():
        test = mse(model(x_test)[0], y_test).item()
    print(f"epoch {epoch}: train {total / chunks:.4f} test {test:.4f}")

print(f"score: {1 - test / y_test.var().item():.4f}")
