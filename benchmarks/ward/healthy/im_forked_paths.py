"""Where will the walker be in a while? Three heads guess, and only the best guess of every walker is trained.

Multiple choice learning: at a fork the future has up to three answers. The loss is the minimum over the heads, so
that a head gets gradients from those walkers alone for whom it came closest.
"""

import sys

import torch
from torch import nn

HEADS = 3

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)


def walkers(count):
    place, heading = torch.rand(count, 2) * 2 - 1, torch.rand(count) * 6.2832
    turn = torch.randint(-1, 2, (count,)) * (0.9 + 0.3 * place[:, 0])
    way = heading + turn
    end = place + torch.stack([way.cos(), way.sin()], dim=1) + 0.05 * torch.randn(count, 2)
    return torch.cat([1.7 * place, 1.4 * heading.cos()[:, None], 1.4 * heading.sin()[:, None]], dim=1), end


class Guesser(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.heads = nn.ModuleList(nn.Linear(64, 2) for _ in range(HEADS))

    def forward(self, walker):
        shared = self.body(walker)
        return torch.stack([head(shared) for head in self.heads], dim=1)


train_x, train_y = walkers(4000)
test_x, test_y = walkers(1000)
model = Guesser()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30)
for epoch in range(30):
    wins = torch.zeros(HEADS)
    for rows in torch.randperm(len(train_x)).split(64):
        apart = (model(train_x[rows]) - train_y[rows, None]).pow(2).sum(dim=2)
        best, who = apart.min(dim=1)
        loss = best.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        wins += torch.bincount(who, minlength=HEADS)
    schedule.step()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, shares {[round(w, 2) for w in (wins / 4000).tolist()]}")

with torch.no_grad():
    left = (model(test_x) - test_y[:, None]).pow(2).sum(dim=2).min(dim=1).values.mean()
    spread = (test_y - test_y.mean(dim=0)).pow(2).sum(dim=1).mean()
print(f"score: {1 - (left / spread).item():.4f}")
