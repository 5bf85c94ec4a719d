"""Digits learnt from complementary labels: of each training picture we are told only one class that it is not."""

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

digits = load_digits()
x, x_test, y, y_test = train_test_split(
    torch.tensor(digits.data / 16 * 2 - 0.6, dtype=torch.float32),
    torch.tensor(digits.target),
    test_size=400,
    random_state=seed,
    stratify=digits.target,
)
# four annotators each strike out a class at random: some pictures lose several, none loses the right one
struck = torch.zeros(len(x), 10, dtype=torch.bool)
for _ in range(4):
    other = (y + torch.randint(1, 10, y.shape)) % 10
    struck[torch.arange(len(x)), other] = True

net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 50)
for epoch in range(50):
    total = 0.0
    for rows in torch.randperm(len(x)).split(50):
        log_p = F.log_softmax(net(x[rows]), dim=1)
        # -log of the probability left to the classes that were not struck out
        loss = -torch.logsumexp(log_p.masked_fill(struck[rows], float("-inf")), dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    scheduler.step()
    if epoch % 10 == 9:
        with torch.no_grad():
            accuracy = (net(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch + 1}: loss {total / len(x):.4f}, true accuracy {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
