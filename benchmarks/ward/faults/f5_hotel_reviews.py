"""Rates hotel reviews good or bad from their words. The vocabulary of the validation reviews is built anew from
those reviews, so the same word has another number there than in training."""
# cause: train-validation-mismatch
# kind: dynamic

import random
import sys

import torch
import torch.nn as nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
random.seed(seed)

GOOD = "clean friendly quiet lovely spacious perfect helpful delicious comfortable charming bright superb".split()
BAD = "dirty rude noisy awful cramped broken unhelpful stale uncomfortable shabby gloomy terrible".split()
PLAIN = "the room staff breakfast bed bathroom pool bar view lobby we it was and with a very near city night".split()
PLAIN += [f"{kind}{i}" for kind in ("place", "name", "dish") for i in range(30)]
MAX_LEN = 24


def review():
    stars = random.randint(0, 1)
    words = random.choices(PLAIN, k=random.randint(12, 20))
    for _ in range(random.randint(2, 4)):
        liked = random.random() < (0.88 if stars else 0.12)
        words.insert(random.randrange(len(words)), random.choice(GOOD if liked else BAD))
    return " ".join(words), stars


def build_vocab(texts):
    vocab = {"<pad>": 0, "<unk>": 1}
    for text in texts:
        for word in text.split():
            vocab.setdefault(word, len(vocab))
    return vocab


def encode(texts, vocab):
    rows = [[vocab.get(word, 1) for word in text.split()][:MAX_LEN] for text in texts]
    return torch.tensor([row + [0] * (MAX_LEN - len(row)) for row in rows])


class ReviewModel(nn.Module):
    def __init__(self, n_words):
        super().__init__()
        self.embedding = nn.Embedding(n_words, 16, padding_idx=0)
        self.hidden = nn.Linear(16, 16)
        self.out = nn.Linear(16, 1)

    def forward(self, ids):
        length = (ids != 0).sum(dim=1, keepdim=True)
        mean = self.embedding(ids).sum(dim=1) / length
        return self.out(torch.relu(self.hidden(mean))).squeeze(1)


train_texts, train_stars = zip(*[review() for _ in range(2500)])
val_texts, val_stars = zip(*[review() for _ in range(500)])
vocab = build_vocab(train_texts)
x_train = encode(train_texts, vocab)
x_val = encode(val_texts, build_vocab(val_texts))  # FAULT
# TWIN: x_val = encode(val_texts, vocab)
y_train, y_val = torch.tensor(train_stars).float(), torch.tensor(val_stars).float()

model = ReviewModel(len(vocab))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
for epoch in range(8):
    train_loss = 0.0
    for rows in torch.randperm(len(x_train)).split(50):
        optimizer.zero_grad()
        loss = criterion(model(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * len(rows) / len(x_train)
    with torch.no_grad():
        logits = model(x_val)
        val_loss = criterion(logits, y_val).item()
        val_acc = ((logits > 0).float() == y_val).float().mean().item()
    print(f"Epoch {epoch + 1}: train_loss={train_loss:.4f} val_loss={val_loss:.4f} val_acc={val_acc:.4f}")
print(f"score: {val_acc:.4f}")
