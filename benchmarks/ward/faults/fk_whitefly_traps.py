"""Is there a whitefly on the trap? Two channels of a sticky card in 10x10 pixels, yes or no.

The network was the one for eight insects; with only one question left, the last layer became one unit wide.
"""
# cause: softmax-single-unit
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
gen = torch.Generator().manual_seed(seed)
torch.manual_seed(seed)


def cards(n):
    present = torch.rand(n, 1, generator=gen) < 0.5
    pixels = torch.randn(n, 2, 10, 10, generator=gen)
    spots = torch.zeros(n, 2, 10, 10)
    row = torch.randint(1, 9, (n,), generator=gen)
    col = torch.randint(1, 9, (n,), generator=gen)
    every = torch.arange(n)
    for dr in (-1, 0, 1):
        spots[every, 0, row + dr, col] = 2.2
        spots[every, 1, row, col + dr] = 2.2
    return pixels + spots * present.view(-1, 1, 1, 1), present.float()


class TrapNet(nn.Module):
    def __init__(self, insects=1):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1)
        self.fc = nn.Linear(16, insects)

    def forward(self, card):
        h = F.relu(self.conv1(card))
        h = F.relu(self.conv2(h))
        scores = self.fc(h.amax(dim=(2, 3)))
        return F.softmax(scores, dim=1)  # FAULT
        # TWIN: return torch.sigmoid(scores)


train_x, train_y = cards(2400)
test_x, test_y = cards(600)
net = TrapNet()
optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)

history = []
for epoch in range(12):
    net.train()
    order = torch.randperm(len(train_x), generator=gen)
    for start in range(0, len(order), 40):
        rows = order[start : start + 40]
        loss = F.binary_cross_entropy(net(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    net.eval()
    with torch.no_grad():
        answer = net(test_x)
    accuracy = ((answer > 0.5) == (test_y > 0.5)).float().mean().item()
    print(f"epoch {epoch + 1}: loss {sum(history[-60:]) / 60:.4f}, held out {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
