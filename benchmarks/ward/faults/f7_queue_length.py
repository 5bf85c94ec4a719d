"""Length of a queue after 50 minutes of arrivals and departures, with a rectified recurrent network whose recurrent
matrix is initialised 'so that nothing is forgotten', somewhat above the identity, and no clipping."""
# cause: exploding-through-time
# accept: exploding-gradient
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
MINUTES = 50


def simulate(n):
    arrivals, served = rng.random((n, MINUTES)), rng.random((n, MINUTES))
    queue = np.zeros(n)
    for t in range(MINUTES):
        queue = np.maximum(queue + arrivals[:, t] - served[:, t], 0)
    x = torch.tensor(np.stack([arrivals, served], axis=2) - 0.5, dtype=torch.float32)
    return x, torch.tensor(queue, dtype=torch.float32).unsqueeze(1)


class QueueRNN(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.rnn = nn.RNN(2, hidden, nonlinearity="relu", batch_first=True)
        self.out = nn.Linear(hidden, 1)
        with torch.no_grad():
            self.rnn.weight_hh_l0.copy_(torch.eye(hidden) * 1.3)  # FAULT
            # TWIN: self.rnn.weight_hh_l0.copy_(torch.eye(hidden))
            self.rnn.bias_hh_l0.zero_()
            self.rnn.bias_ih_l0.zero_()
            self.rnn.weight_ih_l0.mul_(0.3)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])


x_train, y_train = simulate(2000)
x_test, y_test = simulate(500)
mean, std = y_train.mean(), y_train.std()
y_train, y_test = (y_train - mean) / std, (y_test - mean) / std
model = QueueRNN()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.MSELoss()
for epoch in range(12):
    perm = rng.permutation(len(x_train))
    losses = []
    for i in range(0, len(perm), 50):
        idx = perm[i : i + 50]
        loss = loss_fn(model(x_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        test_loss = loss_fn(model(x_test), y_test).item()
    print(f"epoch {epoch} train {np.mean(losses):.5g} test {test_loss:.5g}")
print(f"score: {1 - test_loss / y_test.var().item():.4f}")
