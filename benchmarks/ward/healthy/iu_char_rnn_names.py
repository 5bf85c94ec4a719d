"""Which language does a surname come from? A character LSTM on packed batches of names of unequal frequency.

After "NLP From Scratch: Classifying Names with a Character-Level RNN",
https://pytorch.org/tutorials/intermediate/char_rnn_classification_tutorial.html
"""

import random
import string
import sys

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

SYLLABLES = {
    "Italian": (
        ["ro", "si", "bel", "la", "mar", "co", "ti", "gra", "no", "ver", "ni", "do"],
        ["ni", "lli", "tti", "no", "ri"],
    ),
    "Japanese": (
        ["ka", "wa", "mi", "to", "shi", "ta", "na", "ya", "ma", "ki", "sa", "no"],
        ["moto", "da", "mura", "ka", "ri"],
    ),
    "Russian": (
        ["iv", "pet", "mal", "vol", "ser", "kov", "tar", "an", "zh", "mi", "lev", "gor"],
        ["ov", "ev", "sky", "in"],
    ),
    "German": (
        ["sch", "mul", "we", "ber", "ho", "ff", "kra", "ne", "bau", "er", "zim", "ke"],
        ["mann", "er", "ler", "berg", "ke"],
    ),
    "Irish": (
        ["don", "con", "bri", "kel", "sul", "ma", "gal", "mur", "phy", "ne", "li", "ro"],
        ["nan", "ley", "van", "gher", "ry"],
    ),
}
PREFIX = {"Irish": ["o", "mc", ""], "German": ["von", "", ""], "Italian": ["di", "", ""]}
COUNTS = {"Italian": 600, "Japanese": 700, "Russian": 900, "German": 500, "Irish": 400}
LETTERS = string.ascii_lowercase


def make_names(rng):
    data, seen = [], set()
    for label, (language, (body, ends)) in enumerate(SYLLABLES.items()):
        count = 0
        while count < COUNTS[language]:
            name = rng.choice(PREFIX.get(language, [""]))
            name += "".join(rng.choices(body, k=rng.choice([1, 2, 2])))
            if rng.random() < 0.8:
                name += rng.choice(ends)
            if rng.random() < 0.25:  # spelling varies
                i = rng.randrange(len(name))
                name = name[:i] + rng.choice(LETTERS) + name[i + 1 :]
            if name in seen:
                continue
            seen.add(name)
            data.append((name, label))
            count += 1
    rng.shuffle(data)
    return data


class NamesDataset(Dataset):
    def __init__(self, pairs):
        self.items = [(torch.tensor([LETTERS.index(c) + 1 for c in n]), y) for n, y in pairs]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    names, labels = zip(*batch)
    return pad_sequence(names, batch_first=True), torch.tensor([len(n) for n in names]), torch.tensor(labels)


class CharRNN(nn.Module):
    def __init__(self, n_letters, emb, hidden, n_out):
        super().__init__()
        self.embed = nn.Embedding(n_letters + 1, emb, padding_idx=0)
        self.rnn = nn.LSTM(emb, hidden, batch_first=True)
        self.dropout = nn.Dropout(0.2)
        self.h2o = nn.Linear(hidden, n_out)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, names, lengths):
        packed = pack_padded_sequence(self.embed(names), lengths, batch_first=True, enforce_sorted=False)
        _, (hidden, _) = self.rnn(packed)
        return self.softmax(self.h2o(self.dropout(hidden[-1])))


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    confusion = torch.zeros(len(SYLLABLES), len(SYLLABLES))
    for names, lengths, labels in loader:
        guess = model(names, lengths).argmax(1)
        for t, g in zip(labels, guess):
            confusion[t, g] += 1
    return confusion


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    names = make_names(random.Random(seed))
    cut = int(0.85 * len(names))
    train_loader = DataLoader(NamesDataset(names[:cut]), batch_size=64, shuffle=True, collate_fn=collate)
    test_loader = DataLoader(NamesDataset(names[cut:]), batch_size=128, collate_fn=collate)

    model = CharRNN(len(LETTERS), 24, 64, len(SYLLABLES))
    criterion = nn.NLLLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(1, 11):
        model.train()
        total = 0.0
        for x, lengths, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x, lengths), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 3.0)
            optimizer.step()
            total += loss.item() * len(y)
        print(f"epoch {epoch}: average loss {total / cut:.4f}")

    confusion = evaluate(model, test_loader)
    for language, row in zip(SYLLABLES, confusion / confusion.sum(1, keepdim=True)):
        print(f"{language:>9}", " ".join(f"{v:.2f}" for v in row.tolist()))
    print(f"score: {(confusion.diag() / confusion.sum(1)).mean().item():.4f}")  # balanced accuracy


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
