"""Character model (GRU) whose output matrix is the embedding matrix (weight tying), on a tiny grammar."""

import random
import sys

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)

NOUNS = ["cat", "dog", "bird", "mouse", "horse", "child"]
VERBS = ["sees", "likes", "hears", "follows", "finds"]
ADJECTIVES = ["small", "old", "quiet", "red"]


def sentence():
    def noun_phrase():
        adjective = random.choice(ADJECTIVES) + " " if random.random() < 0.5 else ""
        return "the " + adjective + random.choice(NOUNS)

    return f"{noun_phrase()} {random.choice(VERBS)} {noun_phrase()}. "


text = "".join(sentence() for _ in range(900))
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
data = torch.tensor([stoi[c] for c in text])
split = int(0.9 * len(data))
train_data, val_data = data[:split], data[split:]


class CharGRU(nn.Module):
    def __init__(self, vocab, dim):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.rnn = nn.GRU(dim, dim, batch_first=True)
        self.out = nn.Linear(dim, vocab)
        nn.init.normal_(self.embed.weight, std=dim**-0.5)
        self.out.weight = self.embed.weight

    def forward(self, x):
        h, _ = self.rnn(self.embed(x))
        return self.out(h)


def get_batch(source, batch_size=32, block=40):
    ix = torch.randint(len(source) - block - 1, (batch_size,)).tolist()
    x = torch.stack([source[i : i + block] for i in ix])
    y = torch.stack([source[i + 1 : i + block + 1] for i in ix])
    return x, y


@torch.no_grad()
def estimate_loss():
    total = 0.0
    for _ in range(10):
        x, y = get_batch(val_data)
        total += F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item()
    return total / 10


model = CharGRU(len(chars), 48)
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for step in range(1, 251):
    x, y = get_batch(train_data)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(f"step {step}: train {loss.item():.3f} val {estimate_loss():.3f}")

print(f"score: {-estimate_loss():.4f}")
