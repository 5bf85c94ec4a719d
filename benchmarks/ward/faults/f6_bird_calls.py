"""Six bird calls as sequences of eight filter-bank values, read by a GRU that keeps only two hidden units."""
# cause: underfitting
# kind: dynamic

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

BANDS, FRAMES, SPECIES = 8, 20, 6
HIDDEN = 2  # FAULT
# TWIN: HIDDEN = 16

songs = torch.randint(0, BANDS, (SPECIES, 5))


def calls(n):
    """Every species sings its five notes, each four frames long, shifted by a band at most and in noise."""
    species = torch.randint(0, SPECIES, (n,))
    notes = songs[species].repeat_interleave(4, dim=1)
    x = torch.nn.functional.one_hot(notes, BANDS).float() * (0.8 + 0.4 * torch.rand(n, 1, 1))
    x = x + 0.3 * x.roll(1, dims=2) + 0.4 * torch.randn(n, FRAMES, BANDS)
    return (x - 0.16) / 0.6, species


class CallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(BANDS, HIDDEN, batch_first=True)
        self.classify = nn.Linear(HIDDEN, SPECIES)

    def forward(self, x):
        _, h = self.rnn(x)
        return self.classify(h[-1])


train_loader = DataLoader(TensorDataset(*calls(2400)), batch_size=50, shuffle=True)
val_x, val_y = calls(400)
net = CallNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01, weight_decay=1e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
for epoch in range(10):
    net.train()
    losses, right = [], 0
    for x, y in train_loader:
        optimizer.zero_grad()
        out = net(x)
        loss = criterion(out, y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        right += (out.argmax(1) == y).sum().item()
    scheduler.step()
    net.eval()
    with torch.no_grad():
        out = net(val_x)
        val_acc = (out.argmax(1) == val_y).float().mean().item()
    train_loss = sum(losses) / len(losses)
    print(f"{epoch:3d} train {train_loss:.4f} {right / 2400:.3f} val {criterion(out, val_y).item():.4f} {val_acc:.3f}")
print(f"score: {val_acc:.4f}")
