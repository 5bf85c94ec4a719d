"""Sentiment of short reviews with packed GRU sequences; the reviews are sorted by length once and batches taken in
random order, so that little is padded."""

import random
import sys

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)
GOOD = "great lovely tasty friendly clean quick".split()
BAD = "awful rude stale dirty slow cold".split()
PLAIN = "the food was place we came there table room staff very and evening menu".split()
VOCAB = {w: i + 1 for i, w in enumerate(GOOD + BAD + PLAIN + ["not"])}


def review():
    words, tone = [], 0
    while tone == 0:
        words, tone = [], 0
        for _ in range(random.randint(1, 4)):
            words += random.choices(PLAIN, k=random.randint(1, 3))
            good, negated = random.random() < 0.5, random.random() < 0.3
            words += ["not"] * negated + [random.choice(GOOD if good else BAD)]
            tone += 1 if good != negated else -1
    return torch.tensor([VOCAB[w] for w in words]), float(tone > 0)


class Sentiment(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(VOCAB) + 1, 24, padding_idx=0)
        self.gru = nn.GRU(24, 48, batch_first=True)
        self.out = nn.Linear(48, 1)

    def forward(self, padded, lengths):
        packed = pack_padded_sequence(self.embed(padded), lengths, batch_first=True, enforce_sorted=False)
        return self.out(self.gru(packed)[1][0]).squeeze(1)


def collate(reviews):
    words = [w for w, _ in reviews]
    return (
        pad_sequence(words, batch_first=True),
        torch.tensor([len(w) for w in words]),
        torch.tensor([t for _, t in reviews]),
    )


train = sorted((review() for _ in range(1600)), key=lambda pair: len(pair[0]))
batches = [collate(train[i : i + 32]) for i in range(0, len(train), 32)]
test = collate([review() for _ in range(400)])
model = Sentiment()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
loss_fn = nn.BCEWithLogitsLoss()
for epoch in range(12):
    random.shuffle(batches)
    total = 0.0
    for words, lengths, tone in batches:
        loss = loss_fn(model(words, lengths), tone)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        accuracy = ((model(*test[:2]) > 0).float() == test[2]).float().mean().item()
    print(f"epoch {epoch} loss {total / len(batches):.4f} test {accuracy:.4f}")
print(f"score: {accuracy:.4f}")
