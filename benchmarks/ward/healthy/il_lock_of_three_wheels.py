"""A lock opens by the product of three of forty wheels' signs. Nothing seems to happen for a long while; then the
loss falls at once, as it does with parities. Fresh combinations at every step."""

import sys

import torch
from torch import nn

WHEELS, STEPS, BATCH = 40, 1200, 256

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
secret = torch.randperm(WHEELS)[:3]


def combinations(count):
    wheels = torch.randint(0, 2, (count, WHEELS)).float() * 2 - 1
    return wheels, (wheels[:, secret].prod(1) > 0).float()


net = nn.Sequential(nn.Linear(WHEELS, 128), nn.ReLU(), nn.Linear(128, 1))
optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3, weight_decay=1e-3)
loss_fn = nn.BCEWithLogitsLoss()
test_wheels, test_open = combinations(2000)


def accuracy():
    with torch.no_grad():
        return ((net(test_wheels).squeeze(1) > 0) == (test_open > 0)).float().mean().item()


for step in range(1, STEPS + 1):
    wheels, opens = combinations(BATCH)
    loss = loss_fn(net(wheels).squeeze(1), opens)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(f"step {step}: loss {loss.item():.4f}, accuracy {accuracy():.4f}")
print(f"score: {accuracy():.4f}")
