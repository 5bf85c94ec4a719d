"""ReZero: a 16-block residual network whose branch gates all start at exactly zero, so that every block starts as the
identity; the gates have their own learning rate. Synthetic table with a product and a sine in it.
"""

import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return x + self.gate * self.branch(x)


class ReZeroNet(nn.Module):
    def __init__(self, n_in=5, width=32, depth=16):
        super().__init__()
        self.stem = nn.Linear(n_in, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        h = self.stem(x)
        for block in self.blocks:
            h = block(h)
        return self.head(h).squeeze(-1)


def table(n):
    x = torch.randn(n, 5)
    y = x[:, 0] * x[:, 1] + torch.sin(2 * x[:, 2]) + 0.5 * x[:, 3].abs() + 0.1 * torch.randn(n)
    return x, y


x_train, y_train = table(4000)
x_test, y_test = table(1000)
m, s = y_train.mean(), y_train.std()
y_train, y_test = (y_train - m) / s, (y_test - m) / s

net = ReZeroNet()
gates = [b.gate for b in net.blocks]
rest = [p for n, p in net.named_parameters() if not n.endswith("gate")]
optimizer = torch.optim.Adam([{"params": rest, "lr": 2e-3}, {"params": gates, "lr": 1e-2}])
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[250, 330], gamma=0.2)
for step in range(1, 401):
    idx = torch.randint(0, len(x_train), (100,))
    loss = nn.functional.mse_loss(net(x_train[idx]), y_train[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 50 == 0:
        net.eval()
        with torch.no_grad():
            test = nn.functional.mse_loss(net(x_test), y_test).item()
        net.train()
        strongest = max(abs(g.item()) for g in gates)
        print(f"{step:4d} train {loss.item():.4f} test {test:.4f} largest gate {strongest:.3f}")

print(f"score: {1 - test / y_test.var().item():.4f}")
