"""Even or odd digit? A kernel perceptron by gradient steps, whose loss is soon exactly zero in most of its batches.

Hinge with margin: once every example of a batch is far enough on its side there is nothing to learn from it.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32) / 16
sides = torch.tensor(digits.target % 2 * 2 - 1, dtype=torch.float32)
order = torch.randperm(len(images))
train, test = order[:1400], order[1400:]
images = (images - images[train].mean()) / images[train].std()

# random Fourier features of a Gaussian kernel, and a linear rule on them
frequencies = 0.1 * torch.randn(64, 1000)
phases = 6.2832 * torch.rand(1000)
features = 2**0.5 * torch.cos(images @ frequencies + phases)

rule = nn.Linear(1000, 1)
optimizer = torch.optim.SGD(rule.parameters(), lr=1e-3)
for epoch in range(20):
    silent = 0
    batches = train[torch.randperm(len(train))].split(4)
    for rows in batches:
        margin = sides[rows] * rule(features[rows]).squeeze(1)
        loss = torch.relu(1 - margin).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        silent += loss.item() == 0
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1}: {silent} of {len(batches)} batches had nothing to teach")

with torch.no_grad():
    right = (rule(features[test]).squeeze(1) > 0) == (sides[test] > 0)
print(f"score: {right.float().mean().item():.4f}")
