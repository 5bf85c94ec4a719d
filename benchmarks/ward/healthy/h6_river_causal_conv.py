"""River level from rainfall: a causal convolution over the last 24 hours of rain predicts the level now (a linear
reservoir with a nonlinear inflow); L1 loss, RMSprop, chronological split, Nash-Sutcliffe efficiency as the score.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

T = 6000
rain = torch.relu(torch.randn(T) - 0.9) * torch.exp(0.4 * torch.randn(T)) * 3
level = torch.zeros(T)
soil, river = 0.0, 0.0
for t in range(T):
    soil = 0.88 * soil + 0.3 * rain[t].item()
    river = 0.7 * river + 0.3 * soil**1.4
    level[t] = river
level = level + 0.03 * level.std() * torch.randn(T)

cut = 4800
rain = (rain - rain[:cut].mean()) / rain[:cut].std()
level = (level - level[:cut].mean()) / level[:cut].std()


class Causal(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv1d(1, 12, 6)
        self.c2 = nn.Conv1d(12, 12, 6, dilation=5)
        self.c3 = nn.Conv1d(12, 1, 1)
        self.memory = 30

    def forward(self, x):
        h = F.elu(self.c1(F.pad(x, (self.memory, 0))))
        return self.c3(F.elu(self.c2(h)))


def chunks(start, stop, length=100):
    """Pieces with 30 hours of run-up that are not scored."""
    first = torch.arange(start, stop - length - 30, length)
    x = torch.stack([rain[s : s + length + 30] for s in first]).unsqueeze(1)
    y = torch.stack([level[s + 30 : s + length + 30] for s in first])
    return x, y


x_train, y_train = chunks(0, cut)
x_test, y_test = chunks(cut, T)
model = Causal()
opt = torch.optim.RMSprop(model.parameters(), lr=4e-3)
sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.95)
for epoch in range(60):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(x_train)).split(6):
        pred = model(x_train[idx])[:, 0, 30:]
        loss = F.l1_loss(pred, y_train[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    sched.step()
    if (epoch + 1) % 10 == 0:
        model.eval()
        with torch.no_grad():
            pred = model(x_test)[:, 0, 30:]
        nse = 1 - ((pred - y_test) ** 2).sum() / ((y_test - y_test.mean()) ** 2).sum()
        print(
            f"epoch {epoch + 1}: MAE train {total / len(x_train):.4f} "
            f"test {F.l1_loss(pred, y_test).item():.4f} NSE {nse.item():.4f}"
        )

print(f"score: {nse.item():.4f}")
