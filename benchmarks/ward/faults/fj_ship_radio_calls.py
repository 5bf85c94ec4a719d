"""Kind of call (distress, urgency, safety, routine) from the words of a ship's radio message, by a GRU.

Messages differ in length, so they are padded with zeros in front, to the longest of the batch. Words are given in
reverse, which did wonders in the translation paper.
"""
# cause: train-validation-mismatch
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

WORDS, KINDS = 40, 4


def message(rng):
    """A message of 5 to 30 words; its kind is told by which signal word comes last among the filler."""
    words = rng.integers(5, WORDS, rng.integers(5, 31))
    kind = rng.integers(KINDS)
    spots = rng.choice(len(words), 2, replace=False)
    words[min(spots)] = 1 + rng.integers(KINDS)
    words[max(spots)] = 1 + kind
    return torch.tensor(words), kind


def read_backwards(batch):
    words, kinds = zip(*batch, strict=True)
    padded = pad_sequence(words, batch_first=True).flip(1)
    return padded, torch.tensor(kinds)


def read_forwards(batch):
    words, kinds = zip(*batch, strict=True)
    padded = pad_sequence([w.flip(0) for w in words], batch_first=True).flip(1)
    return padded, torch.tensor(kinds)


class CallReader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(WORDS, 16, padding_idx=0)
        self.gru = nn.GRU(16, 32, batch_first=True)
        self.kind = nn.Linear(32, KINDS)

    def forward(self, words):
        states, _ = self.gru(self.embed(words))
        return self.kind(states[:, -1])


def validate(model, loader):
    model.eval()
    loss = hits = count = 0
    with torch.no_grad():
        for words, kinds in loader:
            out = model(words)
            loss += nn.functional.cross_entropy(out, kinds, reduction="sum").item()
            hits += (out.argmax(1) == kinds).sum().item()
            count += len(kinds)
    return loss / count, hits / count


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train = DataLoader([message(rng) for _ in range(4000)], batch_size=64, shuffle=True, collate_fn=read_backwards)
    held = [message(rng) for _ in range(800)]
    valid = DataLoader(held, batch_size=200, collate_fn=read_forwards)  # FAULT
    # TWIN: valid = DataLoader(held, batch_size=200, collate_fn=read_backwards)
    model = CallReader()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(5):
        model.train()
        total = hits = 0.0
        for words, kinds in train:
            out = model(words)
            loss = nn.functional.cross_entropy(out, kinds)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(kinds) / 4000
            hits += (out.argmax(1) == kinds).sum().item() / 4000
        valid_loss, valid_hits = validate(model, valid)
        print(f"epoch {epoch + 1}: loss {total:.3f} hits {hits:.3f}; valid loss {valid_loss:.3f} hits {valid_hits:.3f}")
    print(f"score: {valid_hits:.4f}")


if __name__ == "__main__":
    main()
