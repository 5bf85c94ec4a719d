"""Smears with many cells, ill if one is: an attention over cells weighs the logits of each (additive multiple instance
learning), one smear at a time. Score: accuracy.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class Additive(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 48), nn.ReLU())
        self.attention, self.cell = nn.Linear(48, 1), nn.Linear(48, 1)

    def forward(self, bag):
        h = self.body(bag)
        return (torch.softmax(self.attention(h), dim=0) * self.cell(h)).sum(0)


def smear():
    x = torch.randn(int(torch.randint(8, 20, ())), 6)
    ill = torch.rand(()) < 0.5
    if ill:
        x[:2, :3] += 2.5
    return x, ill.float().view(1)


def main(seed):
    torch.manual_seed(seed)
    train, held = [smear() for _ in range(400)], [smear() for _ in range(200)]
    net = Additive()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(6):
        for i in torch.randperm(400).tolist():
            x, y = train[i]
            loss = F.binary_cross_entropy_with_logits(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        right = [(net(x) > 0).float().eq(y).item() for x, y in held]
    print(f"score: {sum(right) / len(right):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
