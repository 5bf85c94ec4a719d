"""Gradient accumulation over 16 microbatches of 4 with the total norm clipped to 1 just before each step, the way
language models are trained on a small card. A next-character GRU model on an artificial language.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

WORDS = ["tara", "mino", "belu", "sodi", "kepa", "vuri", "lano", "gite"]
NEXT = torch.softmax(2.0 * torch.randn(len(WORDS), len(WORDS)), dim=1)  # which word follows which


def write_text(n_words):
    out, w = [], 0
    for _ in range(n_words):
        w = torch.multinomial(NEXT[w], 1).item()
        out.append(WORDS[w])
    return " ".join(out)


text = write_text(6000)
chars = sorted(set(text))
ids = torch.tensor([chars.index(c) for c in text])
cut = int(0.9 * len(ids))
train_ids, val_ids = ids[:cut], ids[cut:]


class CharModel(nn.Module):
    def __init__(self, vocab, dim=48):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim)
        self.rnn = nn.GRU(dim, dim, batch_first=True)
        self.out = nn.Linear(dim, vocab)

    def forward(self, x):
        return self.out(self.rnn(self.emb(x))[0])


def get_batch(source, n, length=16):
    starts = torch.randint(0, len(source) - length - 1, (n,))
    chunk = torch.stack([source[s : s + length + 1] for s in starts])
    return chunk[:, :-1], chunk[:, 1:]


def loss_of(model, x, y):
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())


model = CharModel(len(chars))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
val_x, val_y = get_batch(val_ids, 200)
accum = 16

for step in range(90):
    total = 0.0
    for _ in range(accum):
        loss = loss_of(model, *get_batch(train_ids, 4)) / accum
        loss.backward()
        total += loss.item()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    if step % 10 == 9:
        with torch.no_grad():
            val_loss = loss_of(model, val_x, val_y).item()
        print(f"step {step + 1}: train loss {total:.4f}, val loss {val_loss:.4f}, grad norm {norm.item():.2f}")

print(f"score: {-val_loss:.4f}")
