"""A GRU encoder and a GRU decoder that learn to write a six-letter word backwards (teacher forcing).

Only the decoder's parameters are given to the optimizer; the encoder keeps its first random weights.
"""
# cause: parameters-not-in-optimizer
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.optim as optim

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

LETTERS, LENGTH, GO = 12, 6, 12


class Encoder(nn.Module):
    def __init__(self, hidden_size):
        super().__init__()
        self.embedding = nn.Embedding(LETTERS, 24)
        self.gru = nn.GRU(24, hidden_size, batch_first=True)

    def forward(self, words):
        _, hidden = self.gru(self.embedding(words))
        return hidden


class Decoder(nn.Module):
    def __init__(self, hidden_size):
        super().__init__()
        self.embedding = nn.Embedding(LETTERS + 1, 24)
        self.gru = nn.GRU(24, hidden_size, batch_first=True)
        self.out = nn.Linear(hidden_size, LETTERS)

    def forward(self, previous, hidden):
        output, hidden = self.gru(self.embedding(previous), hidden)
        return self.out(output), hidden


def batch(n):
    words = torch.randint(0, LETTERS, (n, LENGTH))
    target = words.flip(1)
    previous = torch.cat([torch.full((n, 1), GO), target[:, :-1]], dim=1)
    return words, previous, target


encoder, decoder = Encoder(96), Decoder(96)
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(decoder.parameters(), lr=0.008)  # FAULT
# TWIN: optimizer = optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.008)

total = 0.0
for it in range(1, 601):
    words, previous, target = batch(64)
    optimizer.zero_grad()
    scores, _ = decoder(previous, encoder(words))
    loss = criterion(scores.transpose(1, 2), target)
    loss.backward()
    optimizer.step()
    total += loss.item()
    if it % 100 == 0:
        print(f"iteration {it}  average loss {total / 100:.4f}")
        total = 0.0

words, _, target = batch(500)
letter, hidden, written = torch.full((500, 1), GO), None, []
with torch.no_grad():
    hidden = encoder(words)
    for _ in range(LENGTH):
        scores, hidden = decoder(letter, hidden)
        letter = scores.argmax(-1)
        written.append(letter)
right = (torch.cat(written, 1) == target).float().mean().item()
print(f"letters right: {100 * right:.1f}%")
print(f"score: {right:.4f}")
