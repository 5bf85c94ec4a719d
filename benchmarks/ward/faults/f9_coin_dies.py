"""From which of six dies a coin was struck, by its relief in 64 points. The biases start below zero so that only few
units answer to any coin, as a paper on sparse codes suggests."""
# cause: dead-units
# accept: bad-initialization vanishing-gradient
# kind: dynamic

import sys

import torch
from torch import nn


def coins(n, dies):
    die = torch.randint(0, 6, (n,))
    wear = torch.rand(n, 1) * 0.6 + 0.5
    scratch = torch.randn(n, 64) * 0.9
    return wear * dies[die] + scratch, die


class DieNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 80)
        self.fc2 = nn.Linear(80, 40)
        self.fc3 = nn.Linear(40, 6)
        nn.init.constant_(self.fc1.bias, -4.0)  # FAULT
        nn.init.constant_(self.fc2.bias, -1.0)  # FAULT

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    dies = torch.randn(6, 64) * 0.7
    x, y = coins(2500, dies)
    x_val, y_val = coins(600, dies)
    net = DieNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    batches = 0
    for epoch in range(7):
        for idx in torch.randperm(len(x)).split(50):
            loss = criterion(net(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            batches += 1
        with torch.no_grad():
            out = net(x_val)
        accuracy = (out.argmax(1) == y_val).float().mean().item()
        print(
            f"after {batches} batches: loss {loss.item():.4f} val {criterion(out, y_val).item():.4f} acc {accuracy:.4f}"
        )
    print(f"score: {accuracy:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
