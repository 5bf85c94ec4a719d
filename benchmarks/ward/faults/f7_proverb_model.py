"""A letter model of proverbs made of a small grammar, GRU. The single pass over the text that was meant to show that
the script runs is all the training there is."""
# cause: under-trained
# kind: dynamic

import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rnd = random.Random(seed)
torch.manual_seed(seed)

WHO = ["a fool", "the wise", "an old dog", "the early bird", "a cat", "the miller", "a good friend"]
WHAT = ["never counts", "always finds", "soon forgets", "knows", "seldom sells", "keeps"]
THING = ["the worm", "his own bread", "silver", "the way home", "a secret", "the river"]


def proverb():
    line = f"{rnd.choice(WHO)} {rnd.choice(WHAT)} {rnd.choice(THING)}"
    if rnd.random() < 0.5:
        line += f" but {rnd.choice(WHO)} {rnd.choice(WHAT)} {rnd.choice(THING)}"
    return line + ".\n"


text = "".join(proverb() for _ in range(700))
letters = sorted(set(text))
index = {c: i for i, c in enumerate(letters)}
data = torch.tensor([index[c] for c in text])
cut = int(0.9 * len(data))
train_data, val_data = data[:cut], data[cut:]


class LetterModel(nn.Module):
    def __init__(self, vocab, hidden=64):
        super().__init__()
        self.embed = nn.Embedding(vocab, 24)
        self.gru = nn.GRU(24, hidden, batch_first=True)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, x):
        return self.out(self.gru(self.embed(x))[0])


def windows(data, length=40):
    n = (len(data) - 1) // length
    x = data[: n * length].view(n, length)
    return x, data[1 : n * length + 1].view(n, length)


model = LetterModel(len(letters))
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
x, y = windows(train_data)
x_val, y_val = windows(val_data)
EPOCHS = 1  # FAULT
# TWIN: EPOCHS = 10
for epoch in range(EPOCHS):
    for i, idx in enumerate(torch.randperm(len(x)).split(16)):
        loss = F.cross_entropy(model(x[idx]).flatten(0, 1), y[idx].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if i % 10 == 0:
            print(f"epoch {epoch} batch {i} loss {loss.item():.4f}")
    with torch.no_grad():
        val = F.cross_entropy(model(x_val).flatten(0, 1), y_val.flatten()).item()
    print(f"epoch {epoch} validation {val:.4f}")
print(f"score: {-val:.4f}")
