"""Next-letter model of made-up words (embedding of three letters, as in Bengio et al. 2003). forward returns
probabilities, handy for sampling, and the training loop gives them to cross_entropy."""
# cause: softmax-twice
# kind: dynamic

import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

CHARS = ".abdegiklmnorstu"
ONSETS = ["b", "d", "k", "l", "m", "n", "r", "s", "t", "st", "br", "gr", "kl"]
NUCLEI = ["a", "e", "i", "o", "u", "ai", "ou"]
CODAS = ["", "", "n", "r", "s", "l"]
CONTEXT = 3


class LetterModel(nn.Module):
    def __init__(self, n_chars, dim=8, hidden=64):
        super().__init__()
        self.emb = nn.Embedding(n_chars, dim)
        self.fc = nn.Linear(CONTEXT * dim, hidden)
        self.out = nn.Linear(hidden, n_chars)

    def forward(self, ctx):
        h = torch.tanh(self.fc(self.emb(ctx).flatten(1)))
        return F.softmax(self.out(h), dim=1)  # FAULT
        # TWIN: return self.out(h)


def word(rng):
    syllables = rng.choice([1, 2, 2, 3])
    return "".join(rng.choice(ONSETS) + rng.choice(NUCLEI) + rng.choice(CODAS) for _ in range(syllables))


def examples(words):
    xs, ys = [], []
    for w in words:
        ctx = [0] * CONTEXT
        for ch in w + ".":
            ix = CHARS.index(ch)
            xs.append(ctx)
            ys.append(ix)
            ctx = [*ctx[1:], ix]
    return torch.tensor(xs), torch.tensor(ys)


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    x, y = examples([word(rng) for _ in range(1500)])
    x_dev, y_dev = examples([word(rng) for _ in range(300)])

    model = LetterModel(len(CHARS))
    opt = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    losses = []
    for i in range(1, 2001):
        batch = torch.randint(0, len(x), (64,))
        loss = F.cross_entropy(model(x[batch]), y[batch])
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
        if i % 250 == 0:
            print(f"{i:5d} loss {sum(losses[-250:]) / 250:.4f}")

    with torch.no_grad():
        hits = (model(x_dev).argmax(1) == y_dev).float().mean().item()
    print(f"score: {hits:.4f}")
