"""Reads a day of rain and tap use, one value every few minutes, and gives the level of the cistern at the end.

A rectified recurrent network started at the identity, as is recommended for remembering sums.
"""
# cause: exploding-through-time
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

STEPS, HIDDEN = 60, 48


def days(count):
    """Showers and tap use; a tap opened less than a third only drips and is not counted."""
    rain = torch.rand(count, STEPS) * (torch.rand(count, STEPS) < 0.3)
    tap = torch.rand(count, STEPS) * (torch.rand(count, STEPS) < 0.3)
    level = rain.sum(1) - 1.4 * (tap - 0.33).clamp(min=0).sum(1)
    return torch.stack([rain, tap], dim=2), level + 0.1 * torch.randn(count)


class Cistern(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(2, HIDDEN, nonlinearity="relu", batch_first=True)
        self.head = nn.Linear(HIDDEN, 1)
        nn.init.eye_(self.rnn.weight_hh_l0)
        nn.init.normal_(self.rnn.weight_ih_l0, std=0.05)
        nn.init.zeros_(self.rnn.bias_hh_l0)
        nn.init.zeros_(self.rnn.bias_ih_l0)

    def forward(self, x):
        _, last = self.rnn(x)
        return self.head(last[0]).squeeze(1)


def r2(model, x, y):
    model.eval()
    with torch.no_grad():
        error = (model(x) - y).pow(2).mean()
    return (1 - error / y.var(unbiased=False)).item()


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
x_train, y_train = days(2000)
x_val, y_val = days(400)
mean, std = y_train.mean(), y_train.std()
y_train, y_val = (y_train - mean) / std, (y_val - mean) / std

model = Cistern()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=20, shuffle=True)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 15)
for epoch in range(15):
    model.train()
    total = 0.0
    for x, y in loader:
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        # TWIN: nn.utils.clip_grad_norm_(model.parameters(), 0.2)
        optimizer.step()
        total += loss.item()
    scheduler.step()
    print(f"epoch {epoch}: train {total / len(loader):.4f}, val R2 {r2(model, x_val, y_val):.3f}")
print(f"score: {max(-1.0, r2(model, x_val, y_val)):.4f}")
