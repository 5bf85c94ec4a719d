"""Sentiment of made-up restaurant reviews with a small TextCNN (two filter widths, max over time). Negations such as
"not good" turn the polarity over, so that word counts alone are not enough.
"""

import random
import sys

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)

GOOD = ["good", "tasty", "friendly", "lovely", "fresh", "great"]
BAD = ["bad", "bland", "rude", "awful", "stale", "slow"]
FILLER = "the food was and service we ordered a table at night with some wine it is very place really".split()


def make_review():
    label = random.random() < 0.5
    words = []
    for _ in range(random.randint(2, 4)):
        words += random.choices(FILLER, k=random.randint(1, 4))
        words += [random.choice(GOOD if label else BAD)] if random.random() < 0.6 else []
        if random.random() < 0.4:
            words += ["not", random.choice(BAD if label else GOOD)]
    words += [random.choice(GOOD if label else BAD)]
    return words, int(label)


vocab = {w: i for i, w in enumerate(["<pad>", "not"] + GOOD + BAD + FILLER)}
reviews = [make_review() for _ in range(3000)]
train, test = reviews[:2400], reviews[2400:]


def collate(batch):
    ids = [torch.tensor([vocab[w] for w in words]) for words, _ in batch]
    return pad_sequence(ids, batch_first=True), torch.tensor([y for _, y in batch], dtype=torch.float32)


class TextCNN(nn.Module):
    def __init__(self, n_words, dim=24, channels=24):
        super().__init__()
        self.embedding = nn.Embedding(n_words, dim, padding_idx=0)
        self.convs = nn.ModuleList([nn.Conv1d(dim, channels, k, padding=1) for k in (2, 3)])
        self.dropout = nn.Dropout(0.3)
        self.out = nn.Linear(2 * channels, 1)

    def forward(self, tokens):
        e = self.embedding(tokens).transpose(1, 2)
        pooled = [torch.relu(conv(e)).amax(dim=2) for conv in self.convs]
        return self.out(self.dropout(torch.cat(pooled, dim=1))).squeeze(1)


train_loader = DataLoader(train, batch_size=40, shuffle=True, collate_fn=collate)
test_loader = DataLoader(test, batch_size=100, collate_fn=collate)
model = TextCNN(len(vocab))
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(5):
    model.train()
    train_loss = 0
    for tokens, y in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(model(tokens), y)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / len(train_loader)
    model.eval()
    correct = 0
    with torch.no_grad():
        for tokens, y in test_loader:
            correct += ((model(tokens) > 0) == (y > 0.5)).sum().item()
    print(f"Epoch {epoch + 1} | train loss {train_loss:.4f} | test accuracy {correct / len(test):.4f}")

print(f"score: {correct / len(test):.4f}")
