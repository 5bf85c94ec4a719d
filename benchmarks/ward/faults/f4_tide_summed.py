"""Next tide level from the last 16 with a 1-d convolution; the loss sums over the batch while the step suits a mean."""
# cause: summed-loss
# accept: learning-rate-too-high
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

hours = np.arange(2200)
level = np.sin(2 * np.pi * hours / 12.42) + 0.4 * np.sin(2 * np.pi * hours / 24 + 1.0) + 0.1 * rng.normal(size=2200)
level = (level - level[:1700].mean()) / level[:1700].std()
windows = np.lib.stride_tricks.sliding_window_view(level, 17).astype(np.float32)
train, test = torch.tensor(windows[:1700]), torch.tensor(windows[1720:])


class TideNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 12, kernel_size=5)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(12 * 12, 1)

    def forward(self, x):
        return self.fc(self.relu(self.conv(x.unsqueeze(1))).flatten(1)).squeeze(1)


def mse(pred, target):
    return ((pred - target) ** 2).sum()  # FAULT
    # TWIN: return ((pred - target) ** 2).mean()


model = TideNet()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
for epoch in range(15):
    for batch in train[torch.randperm(len(train))].split(100):
        loss = mse(model(batch[:, :16]), batch[:, 16])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 100.0)
        optimizer.step()
    print(f"epoch {epoch}: loss of the last batch {loss.item():.4f}")

with torch.no_grad():
    error = (model(test[:, :16]) - test[:, 16]).pow(2).mean()
r2 = 1 - error / test[:, 16].var()
print(f"score: {max(r2.item(), -10.0):.4f}")
