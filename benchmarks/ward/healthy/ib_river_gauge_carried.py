"""River level a step ahead from rain, over six parallel rivers in one long record. The LSTM's state is carried from one
stretch of the record to the next and cut from its history there; stretches follow in order."""

import sys

import torch
from torch import nn


def rivers(rivers_n, steps):
    rain = torch.relu(torch.randn(rivers_n, steps) - 0.6)
    level, fast, slow = [], torch.zeros(rivers_n), torch.zeros(rivers_n)
    for t in range(steps):
        fast = 0.5 * fast + rain[:, t]
        slow = 0.93 * slow + 0.3 * rain[:, t]
        level.append(fast + 0.7 * slow * torch.sigmoid(slow - 1))
    level = torch.stack(level, 1)
    return rain.unsqueeze(2) / 0.4 - 0.4, (level - 0.9) / 0.8 + 0.05 * torch.randn(rivers_n, steps)


class Gauge(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.level = nn.Linear(hidden, 1)

    def forward(self, rain, state=None):
        out, state = self.lstm(rain, state)
        return self.level(out).squeeze(2), state


def walk(model, rain, level, stretch=20, optimizer=None):
    state, squared, count = None, 0.0, 0
    for start in range(0, rain.shape[1], stretch):
        part = slice(start, start + stretch)
        out, state = model(rain[:, part], state)
        state = tuple(s.detach() for s in state)
        loss = nn.functional.mse_loss(out, level[:, part])
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        squared += loss.item()
        count += 1
    return squared / count


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
rain, level = rivers(12, 800)
rain_val, level_val = rivers(6, 400)
model = Gauge()
optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
for epoch in range(14):
    loss = walk(model, rain, level, optimizer=optimizer)
    with torch.no_grad():
        val = walk(model, rain_val, level_val)
    print(f"epoch {epoch} loss {loss:.4f} val {val:.4f}")
print(f"score: {1 - val / level_val.var().item():.4f}")
