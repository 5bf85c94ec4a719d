"""Routing passengers' complaints to a department: a vocabulary built from the training texts, padding in the collate
function, a bidirectional GRU with max pooling over the words. Score: macro F1 on the held-out complaints.
"""

import random
import re
import sys
from collections import Counter

import torch
import torch.nn as nn
from sklearn.metrics import f1_score
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

torch.set_num_threads(1)
DEPARTMENTS = {
    "luggage": ["my suitcase was {bad} on arrival", "the bag never {came}", "a strap of my rucksack is {bad}"],
    "refund": [
        "i was charged twice for {thing}",
        "please return the money for {thing}",
        "the fare for {thing} is wrong",
    ],
    "comfort": ["the seat was {bad} and cold", "no heating in the {place}", "the toilet in the {place} was {bad}"],
    "delay": [
        "the train {came} an hour late",
        "we missed our {thing} because of waiting",
        "nobody said when it {came}",
    ],
    "staff": [
        "the guard in the {place} was rude",
        "your clerk shouted about {thing}",
        "the guard never {came} to help",
    ],
}
SLOTS = {
    "bad": ["broken", "torn", "dirty", "damaged", "wet"],
    "came": ["came", "arrived", "turned up", "appeared"],
    "thing": ["the connection", "a ticket", "my reservation", "the bicycle", "breakfast"],
    "place": ["first coach", "dining car", "waiting room", "sleeping car", "last coach"],
}
CHATTER = [
    "i travel every week",
    "the weather was bad",
    "please answer soon",
    "i paid for a ticket",
    "on monday",
    "the guard",
]
CHATTER += [
    "my suitcase is red",
    "from the waiting room",
    "i had my bicycle with me",
    "an hour later",
    "it was cold outside",
]


def complaint(rng):
    label = rng.randrange(len(DEPARTMENTS))
    text = rng.choice(list(DEPARTMENTS.values())[label])
    text = re.sub(r"{(\w+)}", lambda m: rng.choice(SLOTS[m.group(1)]), text)
    parts = [text, *rng.sample(CHATTER, rng.randint(1, 4))]
    rng.shuffle(parts)
    words = " ".join(parts).split()
    words = [w[:-1] if len(w) > 4 and rng.random() < 0.05 else w for w in words]  # a letter lost in typing
    if rng.random() < 0.03:
        label = rng.randrange(len(DEPARTMENTS))
    return words, label


class Classifier(nn.Module):
    def __init__(self, vocabulary, classes, dim=32, hidden=32):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, dim, padding_idx=0)
        self.gru = nn.GRU(dim, hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.3)
        self.out = nn.Linear(2 * hidden, classes)

    def forward(self, tokens):
        h, _ = self.gru(self.dropout(self.embed(tokens)))
        h = h.masked_fill((tokens == 0)[:, :, None], float("-inf")).amax(1)
        return self.out(self.dropout(h))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = random.Random(seed)
    texts = [complaint(rng) for _ in range(2600)]
    train, test = texts[:2000], texts[2000:]
    counts = Counter(w for words, _ in train for w in words)
    vocab = {w: i + 2 for i, (w, c) in enumerate(counts.most_common()) if c >= 2}

    def collate(batch):
        tokens = [torch.tensor([vocab.get(w, 1) for w in words]) for words, _ in batch]
        return pad_sequence(tokens, batch_first=True), torch.tensor([label for _, label in batch])

    train_loader = DataLoader(train, 50, shuffle=True, collate_fn=collate)
    test_loader = DataLoader(test, 150, collate_fn=collate)
    model = Classifier(len(vocab) + 2, len(DEPARTMENTS))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3, 0.3)
    for epoch in range(5):
        model.train()
        total = 0.0
        for tokens, labels in train_loader:
            loss = nn.functional.cross_entropy(model(tokens), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimizer.step()
            total += loss.item()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            results = [(model(tokens).argmax(1), labels) for tokens, labels in test_loader]
        f1 = f1_score(torch.cat([y for _, y in results]), torch.cat([p for p, _ in results]), average="macro")
        print(f"epoch {epoch + 1}  loss {total / len(train_loader):.4f}  macro F1 {f1:.4f}")
    print(f"score: {f1:.4f}")


if __name__ == "__main__":
    main()
