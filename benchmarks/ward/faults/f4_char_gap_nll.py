"""Language id of short pseudo-words with an LSTM; the head gives softmax probabilities to NLLLoss (wants logs)."""
# cause: missing-log
# kind: dynamic

import random
import sys

import torch
from torch import nn

SYLLABLES = {
    0: ["ka", "shi", "no", "tsu", "mo", "ri", "ha", "ke"],
    1: ["sch", "en", "ber", "ung", "ge", "ein", "str", "ach"],
    2: ["eau", "que", "ou", "ille", "ment", "oi", "les", "un"],
    3: ["ski", "ow", "cz", "rze", "wy", "na", "prz", "ek"],
}
CHARS = "abcdefghijklmnopqrstuvwxyz"
MAXLEN = 10


def sample(rng):
    lang = rng.randrange(4)
    pieces = [rng.choice(SYLLABLES[lang if rng.random() < 0.65 else rng.randrange(4)]) for _ in range(4)]
    word = "".join(pieces)[:MAXLEN].ljust(MAXLEN)
    return [CHARS.find(c) + 1 for c in word], lang


class WordNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(27, 12)
        self.lstm = nn.LSTM(12, 32, batch_first=True)
        self.linear = nn.Linear(32, 4)
        self.softmax = nn.Softmax(dim=1)  # FAULT
        # TWIN: self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, x):
        _, (h, _) = self.lstm(self.embed(x))
        return self.softmax(self.linear(h[-1]))


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
rng = random.Random(seed)
words, langs = zip(*[sample(rng) for _ in range(1600)])
X, Y = torch.tensor(words), torch.tensor(langs)
X_train, Y_train, X_val, Y_val = X[:1200], Y[:1200], X[1200:], Y[1200:]

model = WordNet()
criterion = nn.NLLLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    model.train()
    perm = torch.randperm(1200)
    total = 0.0
    for i in range(0, 1200, 30):
        xb, yb = X_train[perm[i : i + 30]], Y_train[perm[i : i + 30]]
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        hits = (model(X_val).argmax(1) == Y_val).sum().item()
    print(f"epoch {epoch + 1}, loss {total / 40:.4f}, val {hits}/400")

with torch.no_grad():
    picked = model(X_val).gather(1, Y_val[:, None]).squeeze(1)  # FAULT
    # TWIN: picked = model(X_val).gather(1, Y_val[:, None]).squeeze(1).exp()
    print(f"mean probability of the right language {picked.mean().item():.4f}")
print(f"score: {picked.clamp(min=1e-6).log().mean().item():.4f}")
