"""Which drawer a lost item belongs to, from its short description: embeddings, a bidirectional GRU, a linear head."""

import random
import sys

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader

DRAWERS = {
    "bags": ["rucksack", "handbag", "suitcase", "purse", "satchel", "tote"],
    "clothes": ["scarf", "jacket", "glove", "hat", "cardigan", "belt"],
    "devices": ["phone", "charger", "earphones", "tablet", "camera", "watch"],
    "papers": ["passport", "ticket", "notebook", "letter", "map", "diary"],
}
COLOURS = ["red", "black", "green", "grey", "blue", "brown", "white"]
FILLERS = [
    "old",
    "small",
    "found",
    "near",
    "platform",
    "seat",
    "with",
    "a",
    "the",
    "broken",
    "new",
    "on",
    "bench",
    "in",
]


def describe(rng):
    """The item lost comes right after 'lost'; other items are mentioned as where or with what it lay."""
    drawer = rng.randrange(len(DRAWERS))
    item = rng.choice(list(DRAWERS.values())[drawer])
    other = rng.choice(rng.choice(list(DRAWERS.values())))
    before = [rng.choice(FILLERS) for _ in range(rng.randint(0, 4))]
    after = [rng.choice(FILLERS) for _ in range(rng.randint(1, 5))]
    words = ["lost", rng.choice(COLOURS), item]
    aside = ["beside", rng.choice(COLOURS), other]
    return before + (words + after + aside if rng.random() < 0.5 else aside + after + words), drawer


class Drawers(nn.Module):
    def __init__(self, vocabulary, dim=24, hidden=32):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dim, padding_idx=0)
        self.gru = nn.GRU(dim, hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.2)
        self.out = nn.Linear(2 * hidden, len(DRAWERS))

    def forward(self, tokens, lengths):
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        _, last = self.gru(packed)
        return self.out(self.dropout(torch.cat([last[0], last[1]], dim=1)))


def collate(batch):
    tokens, drawers = zip(*batch, strict=True)
    return pad_sequence(tokens, batch_first=True), torch.tensor([len(t) for t in tokens]), torch.tensor(drawers)


def evaluate(model, loader):
    model.eval()
    with torch.no_grad():
        right = sum((model(t, n).argmax(1) == d).sum().item() for t, n, d in loader)
    return right / len(loader.dataset)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    notes = [describe(rng) for _ in range(2600)]
    vocabulary = {word: i + 1 for i, word in enumerate(sorted({w for words, _ in notes[:2000] for w in words}))}
    encoded = [(torch.tensor([vocabulary.get(w, 0) for w in words]), drawer) for words, drawer in notes]
    train = DataLoader(encoded[:2000], batch_size=32, shuffle=True, collate_fn=collate)
    valid = DataLoader(encoded[2000:], batch_size=100, collate_fn=collate)

    model = Drawers(len(vocabulary) + 1)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(5):
        model.train()
        total = 0.0
        for tokens, lengths, drawers in train:
            optimizer.zero_grad()
            loss = criterion(model(tokens, lengths), drawers)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        print(f"| epoch {epoch + 1} | loss {total / len(train):.3f} | valid accuracy {evaluate(model, valid):.3f}")
    print(f"score: {evaluate(model, valid):.4f}")


if __name__ == "__main__":
    main()
