"""Free or taken: eight parking spots from one row of pixels, a multi-label network written as one would in a first
course."""
# cause: missing-zero-grad
# kind: dynamic

import sys

import torch
import torch.nn as nn


def rows(n):
    taken = (torch.rand(n, 8) < 0.5).float()
    paint = torch.randn(n, 8).sign() * (0.7 + 0.6 * torch.rand(n, 8))
    pixels = taken.repeat_interleave(6, dim=1) * paint.repeat_interleave(6, dim=1)
    pixels = pixels + 0.3 * torch.randn(n, 1) + 0.35 * torch.randn(n, 48)
    return pixels, taken


class SpotNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.look = nn.Conv1d(1, 24, 6, stride=6)
        self.think = nn.Conv1d(24, 32, 1)
        self.answer = nn.Conv1d(32, 1, 1)

    def forward(self, pixels):
        h = torch.relu(self.look(pixels.unsqueeze(1)))
        h = torch.relu(self.think(h))
        return self.answer(h).squeeze(1)


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, taken = rows(2400)
pixels_val, taken_val = rows(600)
net = SpotNet()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.9)

for epoch in range(12):
    order = torch.randperm(len(pixels))
    total = 0.0
    for start in range(0, len(order), 40):
        idx = order[start : start + 40]
        output = net(pixels[idx])
        loss = criterion(output, taken[idx])
        # TWIN: optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    with torch.no_grad():
        right = ((net(pixels_val) > 0).float() == taken_val).float().mean().item()
    print(f"epoch {epoch + 1} loss {total / len(pixels):.4f} spots right {right:.4f}")
print(f"score: {right:.4f}")
