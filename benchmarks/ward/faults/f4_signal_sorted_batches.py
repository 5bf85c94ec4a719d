"""Machine states from vibration features, logged state after state; the minibatches walk the log in order."""
# cause: unshuffled-data
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

centers = 1.0 * torch.randn(6, 10)
state = torch.arange(6).repeat_interleave(500)
log = centers[state] + 1.0 * torch.randn(3000, 10)
test_state = torch.randint(0, 6, (600,))
test_log = centers[test_state] + 1.0 * torch.randn(600, 10)

net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 6))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.8)
for epoch in range(8):
    order = torch.arange(3000)  # FAULT
    # TWIN: order = torch.randperm(3000)
    total = 0.0
    for i in range(0, 3000, 30):
        idx = order[i : i + 30]
        loss = F.cross_entropy(net(log[idx]), state[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / 100
    print(f"epoch {epoch + 1:2d} loss {total:.4f}")

with torch.no_grad():
    acc = (net(test_log).argmax(1) == test_state).float().mean().item()
print(f"score: {acc:.4f}")
