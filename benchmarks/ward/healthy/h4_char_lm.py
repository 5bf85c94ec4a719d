"""Character language model over made-up words (syllables joined by rules) with an embedding and a GRU."""

import math
import random
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)

FIRST, MIDDLE, LAST = ["ka", "to", "mi", "re"], ["nol", "sar", "dun"], ["is", "em", "a"]
text = " ".join(random.choice(FIRST) + random.choice(MIDDLE) + random.choice(LAST) for _ in range(2500))
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
ids = torch.tensor([stoi[c] for c in text])
cut = int(0.9 * len(ids))
train_ids, val_ids = ids[:cut], ids[cut:]
SEQ = 32


class CharGRU(nn.Module):
    def __init__(self, vocab, emb=16, hidden=48):
        super().__init__()
        self.emb = nn.Embedding(vocab, emb)
        self.gru = nn.GRU(emb, hidden, batch_first=True)
        self.head = nn.Linear(hidden, vocab)

    def forward(self, x):
        out, _ = self.gru(self.emb(x))
        return self.head(out)


def batch(source, size):
    start = torch.randint(len(source) - SEQ - 1, (size,))
    x = torch.stack([source[s : s + SEQ] for s in start])
    y = torch.stack([source[s + 1 : s + SEQ + 1] for s in start])
    return x, y


model = CharGRU(len(chars))
loss_fn = nn.CrossEntropyLoss()
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(1, 201):
    x, y = batch(train_ids, 24)
    opt.zero_grad()
    loss = loss_fn(model(x).transpose(1, 2), y)
    loss.backward()
    opt.step()
    if step % 40 == 0:
        with torch.no_grad():
            xv, yv = batch(val_ids, 100)
            val_loss = loss_fn(model(xv).transpose(1, 2), yv).item()
        print(f"step {step}: train loss {loss.item():.4f}, val loss {val_loss:.4f}, ppl {math.exp(val_loss):.3f}")

print(f"score: {-val_loss:.4f}")
