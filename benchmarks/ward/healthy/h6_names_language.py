"""Guesses the language of a made-up surname letter by letter with a GRU; each of five languages is a random letter-pair
model with its own endings. Padded batches, masked by lengths.
"""

import string
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim

torch.set_num_threads(1)

LETTERS = string.ascii_lowercase
LANGUAGES = ["Aldish", "Borean", "Cymric", "Dorian", "Eskan"]


class NameMaker:
    def __init__(self, rng):
        self.rng = rng
        self.pairs = [rng.dirichlet(np.full(26, 0.15), size=26) for _ in LANGUAGES]
        self.ends = [["".join(rng.choice(list(LETTERS), 2)) for _ in range(4)] for _ in LANGUAGES]

    def name(self, k):
        letters = [int(self.rng.integers(26))]
        for _ in range(self.rng.integers(2, 6)):
            p = 0.8 * self.pairs[k][letters[-1]] + 0.2 / 26
            letters.append(int(self.rng.choice(26, p=p)))
        end = self.rng.choice(self.ends[k]) if self.rng.random() < 0.7 else ""
        return "".join(LETTERS[i] for i in letters) + end


def to_tensors(names):
    lengths = torch.tensor([len(n) for n in names])
    ids = torch.zeros(len(names), int(lengths.max()), dtype=torch.long)
    for row, n in enumerate(names):
        ids[row, : len(n)] = torch.tensor([LETTERS.index(c) + 1 for c in n])
    return ids, lengths


class NameClassifier(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.embedding = nn.Embedding(27, 16, padding_idx=0)
        self.gru = nn.GRU(16, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, len(LANGUAGES))

    def forward(self, ids, lengths):
        states, _ = self.gru(self.embedding(ids))
        last = states[torch.arange(len(ids)), lengths - 1]
        return self.linear(last)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    maker = NameMaker(np.random.default_rng(seed))
    labels = torch.tensor(maker.rng.integers(0, len(LANGUAGES), 4000))
    ids, lengths = to_tensors([maker.name(k) for k in labels.tolist()])
    train, test = slice(0, 3400), slice(3400, None)

    model = NameClassifier()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=5e-3)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 3, gamma=0.3)
    for epoch in range(8):
        model.train()
        current = 0.0
        for idx in torch.randperm(3400).split(68):
            optimizer.zero_grad()
            loss = criterion(model(ids[train][idx], lengths[train][idx]), labels[train][idx])
            loss.backward()
            optimizer.step()
            current += loss.item() / 50
        scheduler.step()
        model.eval()
        with torch.no_grad():
            out = model(ids[test], lengths[test])
        acc = (out.argmax(1) == labels[test]).float().mean().item()
        print(
            f"Epoch {epoch + 1}: train {current:.4f} test {criterion(out, labels[test]).item():.4f} accuracy {acc:.4f}"
        )
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
