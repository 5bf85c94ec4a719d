"""Tell four gaits from fifty frames of a step counter with a recurrent cell of ReLU units, written by hand."""
# cause: exploding-through-time
# accept: bad-initialization
# kind: dynamic

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
FRAMES, GAITS = 50, 4


class Walks(Dataset):
    """Two channels; a gait is a cadence and how far the second foot lags behind."""

    def __init__(self, n):
        self.gait = torch.randint(0, GAITS, (n,))
        cadence = torch.tensor([7.0, 7.0, 11.0, 11.0])[self.gait] * (0.93 + 0.14 * torch.rand(n))
        lag = torch.tensor([1.0, 2.6, 1.0, 2.6])[self.gait]
        angle = 2 * math.pi * (torch.arange(FRAMES) / cadence[:, None] + torch.rand(n, 1))
        self.frames = torch.stack([angle.sin(), (angle - lag[:, None]).sin()], 2) + 0.4 * torch.randn(n, FRAMES, 2)

    def __len__(self):
        return len(self.gait)

    def __getitem__(self, i):
        return self.frames[i], self.gait[i]


class GaitCell(nn.Module):
    """h' = relu(x W + h U + b)"""

    def __init__(self, n_in, n_hidden):
        super().__init__()
        self.w = nn.Parameter(torch.randn(n_in, n_hidden) / math.sqrt(n_in + n_hidden))
        self.u = nn.Parameter(2.0 * torch.randn(n_hidden, n_hidden) / math.sqrt(n_hidden))  # FAULT
        # TWIN: self.u = nn.Parameter(torch.linalg.qr(torch.randn(n_hidden, n_hidden))[0])
        self.b = nn.Parameter(torch.zeros(n_hidden))

    def forward(self, x, h):
        return F.relu(x @ self.w + h @ self.u + self.b)


class GaitNet(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.hidden = hidden
        self.cell = GaitCell(2, hidden)
        self.out = nn.Linear(hidden, GAITS)

    def forward(self, frames):
        h = frames.new_zeros(len(frames), self.hidden)
        for x in frames.unbind(1):
            h = self.cell(x, h)
        return self.out(h)


train = DataLoader(Walks(2400), batch_size=60, shuffle=True)
val = DataLoader(Walks(500), batch_size=500)
net = GaitNet()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
for epoch in range(20):
    net.train()
    total = 0.0
    for frames, gait in train:
        loss = F.cross_entropy(net(frames), gait)
        optimizer.zero_grad()
        loss.backward()
        # TWIN: nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    scheduler.step()
    net.eval()
    with torch.no_grad():
        accuracy = sum((net(frames).argmax(1) == gait).float().mean().item() for frames, gait in val)
    print(f"epoch {epoch:2d} loss {total / len(train):.4f} val {accuracy:.3f}")
print(f"score: {accuracy:.4f}")
