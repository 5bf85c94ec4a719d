"""Reads Roman numerals: an LSTM takes the letters of a number from 1 to 3999 and gives its value in thousands."""

import sys

import torch
from torch import nn, optim
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

LETTERS = "-IVXLCDM"
PIECES = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL")]
PIECES += [(10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]


def roman(number):
    text = ""
    for value, letters in PIECES:
        while number >= value:
            text += letters
            number -= value
    return text


class Numerals(Dataset):
    def __init__(self, numbers):
        self.numbers = numbers

    def __len__(self):
        return len(self.numbers)

    def __getitem__(self, index):
        number = self.numbers[index]
        return torch.tensor([LETTERS.index(letter) for letter in roman(number)]), number / 1000


def collate(items):
    texts, values = zip(*items, strict=True)
    lengths = torch.tensor([len(text) for text in texts])
    return pad_sequence(texts, batch_first=True), lengths, torch.tensor(values, dtype=torch.float32)


class Reader(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.embedding = nn.Embedding(len(LETTERS), 12, padding_idx=0)
        self.lstm = nn.LSTM(12, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 1)

    def forward(self, texts, lengths):
        packed = pack_padded_sequence(self.embedding(texts), lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.fc(h[-1]).squeeze(1)


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
numbers = (torch.randperm(3999) + 1).tolist()
train_loader = DataLoader(Numerals(numbers[:1600]), batch_size=32, shuffle=True, collate_fn=collate)
test_loader = DataLoader(Numerals(numbers[3599:]), batch_size=200, collate_fn=collate)

model = Reader()
optimizer = optim.Adam(model.parameters(), lr=5e-3)
scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)
criterion = nn.MSELoss()
for epoch in range(12):
    model.train()
    for texts, lengths, values in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(texts, lengths), values)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        pairs = [(model(texts, lengths), values) for texts, lengths, values in test_loader]
    read, true = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    r2 = 1 - ((read - true) ** 2).mean() / true.var()
    print(f"epoch {epoch + 1}: loss {loss.item():.5f}  R2 {r2:.4f}  off by {1000 * (read - true).abs().mean():.1f}")
print(f"score: {r2.item():.4f}")
