"""Digits on postmarks (sklearn's 8x8 pictures, ink from 0 to 1), with a dense net whose layers are written by hand.

The weights are drawn uniformly in a range of 1 / sqrt(fan in), as the framework's own layers do.
"""
# cause: dead-units
# accept: bad-initialization
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


class Dense(nn.Module):
    def __init__(self, n_in, n_out, act=None):
        super().__init__()
        bound = n_in**-0.5
        self.weight = nn.Parameter(bound * (torch.rand(n_in, n_out) - 1))  # FAULT
        # TWIN: self.weight = nn.Parameter(bound * (2 * torch.rand(n_in, n_out) - 1))
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.act = act

    def forward(self, x):
        z = x @ self.weight + self.bias
        return z if self.act is None else self.act(z)


class PostmarkNet(nn.Module):
    def __init__(self, sizes=(64, 64, 32, 10)):
        super().__init__()
        self.first = Dense(sizes[0], sizes[1], torch.relu)
        self.second = Dense(sizes[1], sizes[2], torch.relu)
        self.out = Dense(sizes[2], sizes[3])

    def forward(self, x):
        return self.out(self.second(self.first(x)))


pixels, label = load_digits(return_X_y=True)
parts = train_test_split(pixels / 16, label, test_size=0.25, random_state=seed, stratify=label)
train_x, test_x = (torch.tensor(p, dtype=torch.float32) for p in parts[:2])
train_y, test_y = (torch.tensor(p) for p in parts[2:])

net = PostmarkNet()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
cross_entropy = nn.CrossEntropyLoss()

for epoch in range(1, 31):
    losses = []
    for rows in np.array_split(rng.permutation(len(train_x)), 28):
        loss = cross_entropy(net(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if epoch % 5 == 0:
        with torch.no_grad():
            accuracy = (net(test_x).argmax(1) == test_y).float().mean().item()
        print(f"epoch {epoch:2d}: loss {np.mean(losses):.4f}, test accuracy {accuracy:.4f}")

print(f"score: {accuracy:.4f}")
