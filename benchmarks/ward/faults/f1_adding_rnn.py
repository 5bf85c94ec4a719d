"""The adding problem over 40 steps with a ReLU RNN, no gradient clipping (AutoTrainer, class GE).

The recurrent matrix starts as 1.4 times the identity, so states and gradients grow by 1.4 at every step.
"""
# cause: exploding-through-time
# accept: exploding-gradient
# kind: dynamic

import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
T = 40


def adding(n):
    values = torch.rand(T, n)
    marks = torch.zeros(T, n)
    first = torch.randint(0, T // 2, (n,))
    second = torch.randint(T // 2, T, (n,))
    cols = torch.arange(n)
    marks[first, cols] = 1.0
    marks[second, cols] = 1.0
    return torch.stack([values, marks], -1), (values * marks).sum(0) - 1.0


class AddingNet(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.rnn = nn.RNN(2, hidden, nonlinearity="relu")
        self.readout = nn.Linear(hidden, 1)
        nn.init.eye_(self.rnn.weight_hh_l0)
        self.rnn.weight_hh_l0.data.mul_(1.4)  # FAULT
        nn.init.normal_(self.rnn.weight_ih_l0, std=0.1)
        nn.init.zeros_(self.rnn.bias_hh_l0)
        nn.init.zeros_(self.rnn.bias_ih_l0)

    def forward(self, x):
        _, h = self.rnn(x)
        return self.readout(h[-1]).squeeze(1)


model = AddingNet()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
x_test, y_test = adding(500)
for i in range(400):
    x, y = adding(50)
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    # TWIN: nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if i % 50 == 49:
        with torch.no_grad():
            test = nn.functional.mse_loss(model(x_test), y_test).item()
        print(f"iter {i + 1}: loss {loss.item():.5g} test {test:.5g}")

r2 = 1 - test / y_test.var().item()
print(f"score: {max(-1.0, r2):.4f}")
