"""Classifies map positions as land or water with a stack of blocks whose number is an option.

After a report remembered: discuss.pytorch.org, "List of nn.Module in a nn.Module"
"""
# cause: unregistered-parameters
# accept: parameters-not-in-optimizer
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.fc = nn.Linear(n_in, n_out)

    def forward(self, x):
        return F.relu(self.fc(x))


class MapNet(nn.Module):
    def __init__(self, n_blocks, width):
        super().__init__()
        sizes = [2] + [width] * n_blocks
        self.blocks = [Block(a, b) for a, b in zip(sizes[:-1], sizes[1:])]  # FAULT
        # TWIN: self.blocks = nn.ModuleList([Block(a, b) for a, b in zip(sizes[:-1], sizes[1:])])
        self.classifier = nn.Linear(width, 2)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.classifier(x)


def terrain(n, generator):
    xy = torch.rand(n, 2, generator=generator) * 4 - 2
    height = torch.sin(2.2 * xy[:, 0]) * torch.cos(2.0 * xy[:, 1]) + 0.3 * xy[:, 0] * xy[:, 1]
    return xy, (height > 0).long()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(seed)
    x_train, y_train = terrain(2000, generator)
    x_test, y_test = terrain(1000, generator)

    net = MapNet(n_blocks=3, width=48)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    loss_function = nn.CrossEntropyLoss()

    for epoch in range(1, 21):
        net.train()
        total = 0.0
        for batch in torch.randperm(len(x_train)).split(50):
            net.zero_grad()
            loss = loss_function(net(x_train[batch]), y_train[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        if epoch % 5 == 0:
            net.eval()
            with torch.no_grad():
                accuracy = (net(x_test).argmax(1) == y_test).float().mean().item()
            print(f"epoch {epoch}: loss {total / len(x_train):.4f}, accuracy on new positions {accuracy:.4f}")

    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
