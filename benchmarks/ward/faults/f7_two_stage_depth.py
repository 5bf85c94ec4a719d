"""Depth of a ball from its picture: a convolutional encoder and a regression head, two modules. Only the head was given
to the optimizer; the encoder stays as it was drawn."""
# cause: parameters-not-in-optimizer
# kind: dynamic

import itertools
import sys

import torch
import torch.nn as nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)


def pictures(n):
    depth = 1 + 3 * torch.rand(n, 1, 1)
    true_size = 4.0 + 0.5 * torch.rand(n, 1, 1)
    shade = 0.3 + 0.7 * torch.rand(n, 1, 1)
    cx, cy = 4 + 8 * torch.rand(n, 1, 1), 4 + 8 * torch.rand(n, 1, 1)
    yy, xx = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    radius = true_size / depth
    ball = torch.sigmoid(4 * (radius - ((xx - cx) ** 2 + (yy - cy) ** 2).sqrt())) * shade
    image = ball + 0.1 * torch.randn(n, 16, 16)
    return image.unsqueeze(1), (depth.view(-1, 1) - 2.5) / 0.87


encoder = nn.Sequential(
    nn.Conv2d(1, 8, 3, stride=2, padding=1),
    nn.ReLU(),
    nn.Conv2d(8, 16, 3, stride=2, padding=1),
    nn.ReLU(),
    nn.Conv2d(16, 32, 3, stride=2, padding=1),
    nn.ReLU(),
    nn.AdaptiveMaxPool2d(1),
    nn.Flatten(),
)
head = nn.Linear(32, 1)
optimizer = torch.optim.Adam(head.parameters(), lr=3e-3)  # FAULT
# TWIN: optimizer = torch.optim.Adam(itertools.chain(encoder.parameters(), head.parameters()), lr=3e-3)
criterion = nn.SmoothL1Loss()
n_weights = sum(p.numel() for p in itertools.chain(encoder.parameters(), head.parameters()))
print("weights:", n_weights)

x_train, y_train = pictures(2000)
x_test, y_test = pictures(400)
for epoch in range(10):
    encoder.train(), head.train()
    total = 0.0
    for idx in torch.randperm(len(x_train)).split(50):
        optimizer.zero_grad()
        loss = criterion(head(encoder(x_train[idx])), y_train[idx])
        loss.backward()
        optimizer.step()
        total += loss.item()
    encoder.eval(), head.eval()
    with torch.no_grad():
        r2 = 1 - ((head(encoder(x_test)) - y_test) ** 2).mean().item() / y_test.var().item()
    print(f"epoch {epoch} loss {total / 40:.4f} R2 {r2:.4f}")
print(f"score: {r2:.4f}")
