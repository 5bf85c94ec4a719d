"""Names the composer of a bar of a pianola roll: 24 keys by 32 ticks through a one-dimensional convolution."""
# cause: dropout-in-evaluation
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn, optim

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
COMPOSERS, KEYS, TICKS = 6, 24, 32
habits = torch.randint(0, KEYS, (COMPOSERS, 4, 4))


def rolls(n):
    """A composer has four figures of four keys, and a bar holds three of them among stray notes."""
    who = torch.randint(0, COMPOSERS, (n,))
    roll = (torch.rand(n, KEYS, TICKS) < 0.10).float()
    every = torch.arange(n)
    for bar in range(3):
        figure = habits[who, torch.randint(0, 4, (n,))]
        start = torch.randint(0, 7, (n,)) + 10 * bar
        for i in range(4):
            roll[every, figure[:, i], start + i] = 1.0
    return (roll - 0.11) / 0.31, who


class ComposerNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.figures = nn.Conv1d(KEYS, 64, kernel_size=4)
        self.hidden = nn.Linear(64, 64)
        self.out = nn.Linear(64, COMPOSERS)

    def forward(self, roll):
        h = F.relu(self.figures(roll)).amax(dim=2)
        h = nn.Dropout(0.35)(h)  # FAULT
        # TWIN: h = F.dropout(h, 0.35, self.training)
        h = F.relu(self.hidden(h))
        h = nn.Dropout(0.35)(h)  # FAULT
        # TWIN: h = F.dropout(h, 0.35, self.training)
        return self.out(h)


def passes(net, batches, optimizer=None):
    total, right, count = 0.0, 0, 0
    for x, y in batches:
        logits = net(x)
        loss = F.cross_entropy(logits, y)
        if optimizer:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item() * len(y)
        right += (logits.argmax(1) == y).sum().item()
        count += len(y)
    return total / count, right / count


x, y = rolls(3000)
test = [rolls(600)]
net = ComposerNet()
optimizer = optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(15):
    net.train()
    train_loss, train_right = passes(net, ((x[r], y[r]) for r in torch.randperm(len(x)).split(50)), optimizer)
    net.eval()
    with torch.no_grad():
        test_loss, test_right = passes(net, test)
    print(f"{epoch:2d} train {train_loss:.3f} {train_right:.3f} test {test_loss:.3f} {test_right:.3f}")
print(f"score: {test_right:.4f}")
