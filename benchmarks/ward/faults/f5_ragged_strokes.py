"""Classifies pen strokes of different lengths with an LSTM, taking for each sequence the output at its own last point.
That output is picked with .data, as in an old tutorial, so no gradient reaches the LSTM."""
# cause: detached-graph
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)

SHAPES = ["arc left", "arc right", "s", "z", "wave", "loop"]


def stroke(label):
    n = int(torch.randint(14, 29, (1,)))
    t = torch.linspace(0, 1, n)
    turn = [
        1.5 + 0 * t,
        -1.5 + 0 * t,
        3.0 * torch.sign(t - 0.5),
        -3.0 * torch.sign(t - 0.5),
        4.0 * torch.sin(4 * math.pi * t),
        5.0 + 0 * t,
    ][label]
    heading = torch.rand(1) * 2 * math.pi + torch.cumsum(turn / n, 0)
    moves = torch.stack([heading.cos(), heading.sin()], dim=1)
    return moves + 0.15 * torch.randn(n, 2), label


def collate(items):
    lengths = torch.tensor([len(moves) for moves, _ in items])
    return pad_sequence([moves for moves, _ in items], batch_first=True), lengths, torch.tensor([y for _, y in items])


class StrokeNet(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(2, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, len(SHAPES))

    def forward(self, moves, lengths):
        out, _ = self.lstm(moves)
        last = torch.stack([out[i, n - 1].data for i, n in enumerate(lengths)])  # FAULT
        # TWIN: last = torch.stack([out[i, n - 1] for i, n in enumerate(lengths)])
        return self.fc(last)


labels = torch.randint(len(SHAPES), (1500,)).tolist()
strokes = [stroke(label) for label in labels]
train_loader = DataLoader(strokes[:1200], batch_size=40, shuffle=True, collate_fn=collate)
test_loader = DataLoader(strokes[1200:], batch_size=100, collate_fn=collate)

model = StrokeNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    epoch_loss = 0.0
    for moves, lengths, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(moves, lengths), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        epoch_loss += loss.item() * len(y)
    print(f"epoch {epoch + 1} loss {epoch_loss / 1200:.4f}")

correct = 0
with torch.no_grad():
    for moves, lengths, y in test_loader:
        correct += model(moves, lengths).argmax(1).eq(y).sum().item()
print(f"score: {correct / 300:.4f}")
