"""A hypernetwork: from the amplitude and frequency of a wave it writes the weights of a small target net, which maps a
position to a height. The target net has no parameters of its own; unseen waves are tested.
"""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
H = 16


class HyperNet(nn.Module):
    def __init__(self, code=2, width=64):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(code, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.w1, self.b1 = nn.Linear(width, H), nn.Linear(width, H)
        self.w2, self.b2 = nn.Linear(width, H), nn.Linear(width, 1)
        with torch.no_grad():  # the written net starts with steep, spread-out units
            self.b1.bias.uniform_(-3.0, 3.0)
            self.w1.bias.uniform_(1.0, 3.0)

    def forward(self, code, x):
        h = self.trunk(code)
        units = torch.tanh(x.unsqueeze(2) * self.w1(h).unsqueeze(1) + self.b1(h).unsqueeze(1))
        return (units * self.w2(h).unsqueeze(1)).sum(2) / H**0.5 + self.b2(h)


def waves(n, points=30):
    amplitude, frequency = 0.5 + torch.rand(n, 1), 1 + torch.rand(n, 1)
    x = 4 * torch.rand(n, points) - 2
    code = torch.cat([(amplitude - 1) * 3.46, (frequency - 1.5) * 3.46], 1)
    return code, x, amplitude * torch.sin(frequency * x)


net = HyperNet()
optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=800, pct_start=0.1)
code_test, x_test, y_test = waves(500)
criterion = nn.MSELoss()
log = []
for step in range(800):
    code, x, y = waves(64)
    loss = criterion(net(code, x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    log.append(loss.item())
    if (step + 1) % 100 == 0:
        with torch.no_grad():
            test = criterion(net(code_test, x_test), y_test).item()
        print(f"step {step + 1}: train mse {sum(log[-100:]) / 100:.5f}, unseen waves {test:.5f}")

print(f"score: {1 - test / y_test.var().item():.4f}")
