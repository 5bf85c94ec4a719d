"""Morse code: noisy key-down durations and gaps of different lengths are read by a packed GRU that names the letter."""

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
CODE = {"A": ".-", "B": "-...", "C": "-.-.", "D": "-..", "E": ".", "G": "--.", "H": "....", "I": "..", "K": "-.-"}
CODE.update({"L": ".-..", "M": "--", "O": "---", "R": ".-.", "S": "...", "U": "..-", "W": ".--"})
NAMES = sorted(CODE)


class MorseDataset(Dataset):
    """Each element: a (marks, 2) tensor of (duration, gap after) and the index of the letter."""

    def __init__(self, n, rng):
        self.items = []
        for _ in range(n):
            label = int(rng.integers(len(NAMES)))
            speed = rng.uniform(0.8, 1.25)
            marks = [(1.0 if c == "." else 2.5) * speed * rng.normal(1, 0.12) for c in CODE[NAMES[label]]]
            gaps = [speed * rng.normal(1, 0.1) for _ in marks]
            self.items.append((torch.tensor(np.stack([marks, gaps], 1) - 1.2, dtype=torch.float32), label))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    seqs, labels = zip(*batch, strict=True)
    lengths = torch.tensor([len(s) for s in seqs])
    return pad_sequence(seqs, batch_first=True), lengths, torch.tensor(labels)


class Reader(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(2, hidden, batch_first=True)
        self.head = nn.Linear(hidden, len(NAMES))

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, h = self.gru(packed)
        return self.head(h[-1])


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)
train_loader = DataLoader(MorseDataset(2400, rng), batch_size=64, shuffle=True, collate_fn=collate)
test_loader = DataLoader(MorseDataset(800, rng), batch_size=200, collate_fn=collate)

model = Reader()
opt = torch.optim.Adam(model.parameters(), lr=8e-3)
ce = nn.CrossEntropyLoss()
for epoch in range(14):
    model.train()
    train_loss = 0
    for x, lengths, y in train_loader:
        loss = ce(model(x, lengths), y)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        train_loss += loss.item() / len(train_loader)
    model.eval()
    correct, test_loss = 0, 0
    with torch.no_grad():
        for x, lengths, y in test_loader:
            out = model(x, lengths)
            test_loss += ce(out, y).item() / len(test_loader)
            correct += out.argmax(1).eq(y).sum().item()
    print(f"epoch {epoch:2d}  train {train_loss:.3f}  test {test_loss:.3f}  correct {correct}/800")
print(f"score: {correct / 800:.4f}")
