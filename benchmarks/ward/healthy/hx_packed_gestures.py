"""Variable-length pen gestures (circle, zigzag, line, spiral) classified by an LSTM over packed sequences."""

import math
import random
import sys

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)


def gesture(kind):
    n = random.randint(12, 30)
    t = torch.linspace(0, 1, n)
    if kind == 0:
        xy = torch.stack([torch.cos(2 * math.pi * t), torch.sin(2 * math.pi * t)], 1)
    elif kind == 1:
        xy = torch.stack([2 * t - 1, 0.5 * torch.sign(torch.sin(8 * math.pi * t))], 1)
    elif kind == 2:
        xy = torch.stack([2 * t - 1, 0.3 * (2 * t - 1)], 1)
    else:
        xy = torch.stack([t * torch.cos(5 * math.pi * t), t * torch.sin(5 * math.pi * t)], 1)
    a = random.uniform(0, 2 * math.pi)
    rot = torch.tensor([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
    xy = xy @ rot * random.uniform(0.7, 1.3) + 0.05 * torch.randn(n, 2)
    step = torch.diff(xy, dim=0, prepend=xy[:1])
    return torch.cat([xy, step], dim=1)


def collate(batch):
    seqs, labels = zip(*batch)
    lengths = torch.tensor([len(s) for s in seqs])
    return pad_sequence(seqs, batch_first=True), lengths, torch.tensor(labels)


class GestureLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 32, batch_first=True)
        self.out = nn.Linear(32, 4)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.out(h[-1])


train = [(gesture(i % 4), i % 4) for i in range(800)]
test = [(gesture(i % 4), i % 4) for i in range(200)]
train_loader = DataLoader(train, batch_size=32, shuffle=True, collate_fn=collate)
test_loader = DataLoader(test, batch_size=200, collate_fn=collate)

model = GestureLSTM()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.3)

for epoch in range(1, 15):
    model.train()
    total = 0
    for x, lengths, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x, lengths), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    scheduler.step()
    print("Epoch", epoch, "loss", round(total / len(train_loader), 4))

model.eval()
with torch.no_grad():
    x, lengths, y = next(iter(test_loader))
    score = (model(x, lengths).argmax(1) == y).float().mean().item()
print(f"score: {score:.4f}")
