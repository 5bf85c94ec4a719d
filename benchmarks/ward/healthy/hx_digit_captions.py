"""Image captioning in miniature: a CNN reads an 8x8 digit and an LSTM spells its English name letter by letter."""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
PAD, BOS, EOS = 0, 1, 2
CHARS = sorted(set("".join(NAMES)))
STOI = {c: i + 3 for i, c in enumerate(CHARS)}
LENGTH = 7


def caption(name):
    ids = [BOS] + [STOI[c] for c in name] + [EOS]
    return ids + [PAD] * (LENGTH - len(ids))


class Captioner(nn.Module):
    def __init__(self, vocab, hidden=48):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3, padding=1)
        self.fc = nn.Linear(16 * 16, hidden)
        self.embed = nn.Embedding(vocab, 16, padding_idx=PAD)
        self.lstm = nn.LSTMCell(16 + hidden, hidden)
        self.out = nn.Linear(hidden, vocab)

    def cnn(self, image):
        return F.relu(self.fc(F.max_pool2d(F.relu(self.conv(image)), 2).flatten(1)))

    def forward(self, image, tokens):
        seen = self.cnn(image)
        h = torch.zeros_like(seen)
        c = torch.zeros_like(h)
        logits = []
        for t in range(tokens.size(1)):
            h, c = self.lstm(torch.cat([self.embed(tokens[:, t]), seen], dim=1), (h, c))
            logits.append(self.out(h))
        return torch.stack(logits, dim=1)

    @torch.no_grad()
    def spell(self, image):
        seen = self.cnn(image)
        h = torch.zeros_like(seen)
        c = torch.zeros_like(h)
        token = torch.full((len(image),), BOS)
        letters = []
        for _ in range(LENGTH - 1):
            h, c = self.lstm(torch.cat([self.embed(token), seen], dim=1), (h, c))
            token = self.out(h).argmax(1)
            letters.append(token)
        return torch.stack(letters, dim=1)


def to_words(ids):
    rows = [row[: row.index(EOS)] if EOS in row else row for row in ids.tolist()]
    return ["".join(CHARS[i - 3] if i > 2 else "?" for i in row) for row in rows]


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    X, y = load_digits(return_X_y=True)
    Xtr, Xte, ytr, yte = train_test_split(X / 16.0, y, test_size=0.2, random_state=seed, stratify=y)
    Xtr, Xte = (torch.tensor(a, dtype=torch.float32).view(-1, 1, 8, 8) for a in (Xtr, Xte))
    captions = torch.tensor([caption(NAMES[k]) for k in ytr])

    model = Captioner(len(CHARS) + 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(12):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(Xtr)).split(48):
            inputs, targets = captions[idx, :-1], captions[idx, 1:]
            logits = model(Xtr[idx], inputs)
            loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PAD)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        print(f"epoch {epoch + 1} loss {total / len(Xtr):.4f}")
    model.eval()
    words = to_words(model.spell(Xte))
    hits = sum(w == NAMES[k] for w, k in zip(words, yte))
    print(f"score: {hits / len(words):.4f}")
