"""Sort router log lines (as token ids) into five incident types with an embedding and a bidirectional LSTM.

The loop was assembled from two notebooks; the model came from one of them, the rest from the other.
"""
# cause: missing-zero-grad
# kind: dynamic

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)

VOCAB, LENGTH, TYPES = 120, 16, 5
phrases = torch.randint(20, VOCAB, (TYPES, 4, 3))


def lines(n):
    """A line is noise tokens with one of its type's four three-word phrases somewhere in it."""
    kind = torch.randint(0, TYPES, (n,))
    tokens = torch.randint(0, VOCAB, (n, LENGTH))
    chosen = phrases[kind, torch.randint(0, 4, (n,))]
    start = torch.randint(0, LENGTH - 3, (n,))
    tokens.scatter_(1, start[:, None] + torch.arange(3), chosen)
    return tokens, kind


class LineClassifier(nn.Module):
    def __init__(self, dim=24, hidden=32):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.lstm = nn.LSTM(dim, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, TYPES)

    def forward(self, tokens):
        states, _ = self.lstm(self.embed(tokens))
        return self.out(states.max(dim=1).values)


def accuracy(model, loader):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for tokens, kind in loader:
            right += (model(tokens).argmax(1) == kind).sum().item()
            total += len(kind)
    return right / total


train_loader = DataLoader(TensorDataset(*lines(4000)), batch_size=50, shuffle=True)
val_loader = DataLoader(TensorDataset(*lines(800)), batch_size=200)
model = LineClassifier()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

for epoch in range(8):
    model.train()
    running = 0.0
    for tokens, kind in train_loader:
        # TWIN: optimizer.zero_grad()
        loss = criterion(model(tokens), kind)
        loss.backward()
        optimizer.step()
        running += loss.item()
    print(f"epoch {epoch} loss {running / len(train_loader):.4f} val {accuracy(model, val_loader):.3f}")

print(f"score: {accuracy(model, val_loader):.4f}")
