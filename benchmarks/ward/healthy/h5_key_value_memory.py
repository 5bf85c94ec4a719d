"""A key-value memory: eight noisy (key, value) pairs are written, then the value of one key is asked for. The reader
learns a projection of keys and a sharpness for its softmax addressing. Episodes are generated on the fly.
"""

import sys

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)

SLOTS, KEY, VALUES = 8, 12, 6
signal = torch.linalg.qr(torch.randn(KEY, KEY))[0][:, :5]  # only five directions of a key carry its identity


def episodes(n):
    identity = torch.randn(n, SLOTS, 5)
    written = identity @ signal.T + 0.35 * torch.randn(n, SLOTS, KEY)
    asked_slot = torch.randint(SLOTS, (n,))
    chosen = identity[torch.arange(n), asked_slot]
    asked = chosen @ signal.T + 0.35 * torch.randn(n, KEY)
    values = torch.randint(VALUES, (n, SLOTS))
    return written, values, asked, values[torch.arange(n), asked_slot]


class Memory(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.project = nn.Linear(KEY, dim, bias=False)
        self.log_sharpness = nn.Parameter(torch.zeros(()))
        self.value = nn.Embedding(VALUES, dim)
        self.read_out = nn.Linear(dim, VALUES)

    def forward(self, written, values, asked):
        k, q = self.project(written), self.project(asked)
        distance = (k - q.unsqueeze(1)).pow(2).sum(2)
        address = torch.softmax(-self.log_sharpness.exp() * distance, 1)
        return self.read_out((address.unsqueeze(2) * self.value(values)).sum(1))


memory = Memory()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(memory.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=200, gamma=0.5)
*test, answer = episodes(2000)

for step in range(1, 801):
    *inputs, target = episodes(64)
    optimizer.zero_grad()
    loss = criterion(memory(*inputs), target)
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 100 == 0:
        with torch.no_grad():
            logits = memory(*test)
        acc = (logits.argmax(1) == answer).float().mean().item()
        print(
            f"step {step} train loss {loss.item():.3f} test loss {criterion(logits, answer).item():.3f} "
            f"test acc {acc:.3f} sharpness {memory.log_sharpness.exp().item():.2f}"
        )
print(f"score: {acc:.4f}")
