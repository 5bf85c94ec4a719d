"""A transition-based neural dependency parser (shift, left-arc, right-arc) on sentences of a toy grammar; score is unlabelled attachment.

After CS224n assignment 3 (Neural Transition-Based Dependency Parsing; Chen & Manning 2014), https://web.stanford.edu/class/cs224n/
"""

import random
import sys

import torch
import torch.nn as nn

LEXICON = {
    "D": ["the", "a", "every"],
    "N": ["dog", "man", "park", "saw", "duck", "book"],
    "A": ["old", "red", "big"],
    "V": ["saw", "likes", "duck", "finds", "book"],
    "P": ["in", "with", "near"],
    "R": ["often", "quickly"],
}
WORDS = ["<null>", "<root>"] + sorted({w for ws in LEXICON.values() for w in ws})
TAGS = ["<null>", "<root>"] + list(LEXICON)
W, T = {w: i for i, w in enumerate(WORDS)}, {t: i for i, t in enumerate(TAGS)}
SHIFT, LEFT, RIGHT = range(3)


def sentence(rnd):
    words, tags, heads = ["<root>"], ["<root>"], [None]

    def add(tag):
        words.append(rnd.choice(LEXICON[tag]))
        tags.append(tag)
        heads.append(None)
        return len(words) - 1

    def noun_phrase(depth=0):
        left = [add("D")] + [add("A") for _ in range(rnd.choice([0, 0, 1, 2]))]
        noun = add("N")
        for i in left:
            heads[i] = noun
        if depth < 2 and rnd.random() < 0.3:
            prep = add("P")
            heads[prep], heads[noun_phrase(depth + 1)] = noun, prep
        return noun

    subject = noun_phrase()
    adverb = add("R") if rnd.random() < 0.3 else None
    verb = add("V")
    heads[verb], heads[subject] = 0, verb
    if adverb is not None:
        heads[adverb] = verb
    if rnd.random() < 0.8:
        heads[noun_phrase()] = verb
    return words, tags, heads


class PartialParse:
    def __init__(self, words, tags):
        self.words, self.tags = words, tags
        self.stack, self.buffer, self.heads = [0], list(range(1, len(words))), [None] * len(words)

    def step(self, t):
        if t == SHIFT:
            self.stack.append(self.buffer.pop(0))
        elif t == LEFT:
            dep = self.stack.pop(-2)
            self.heads[dep] = self.stack[-1]
        else:
            dep = self.stack.pop()
            self.heads[dep] = self.stack[-1]

    def legal(self):
        return [
            bool(self.buffer),
            len(self.stack) > 2,
            len(self.stack) > 2 or (len(self.stack) == 2 and not self.buffer),
        ]

    def done(self):
        return not self.buffer and len(self.stack) == 1

    def features(self):
        s, b = [None] * 3 + self.stack, self.buffer + [None] * 2
        at = s[-3:] + b[:2]
        for i in s[-2:]:  # leftmost and rightmost children found so far
            kids = [k for k, h in enumerate(self.heads) if h == i] if i is not None else []
            at += [kids[0] if kids else None, kids[-1] if kids else None]
        return [W[self.words[i]] if i is not None else 0 for i in at] + [
            T[self.tags[i]] if i is not None else 0 for i in at
        ]

    def oracle(self, gold):
        if len(self.stack) >= 2:
            s1, s0 = self.stack[-2:]
            if s1 != 0 and gold[s1] == s0:
                return LEFT
            if gold[s0] == s1 and not any(gold[i] == s0 for i in self.buffer):
                return RIGHT
        return SHIFT


class ParserModel(nn.Module):
    def __init__(self, embed=20, hidden=80, n=9):
        super().__init__()
        self.n, self.word, self.tag = n, nn.Embedding(len(WORDS), embed), nn.Embedding(len(TAGS), embed)
        self.net = nn.Sequential(nn.Linear(2 * n * embed, hidden), nn.ReLU(), nn.Dropout(0.3), nn.Linear(hidden, 3))

    def forward(self, f):
        return self.net(torch.cat([self.word(f[:, : self.n]).flatten(1), self.tag(f[:, self.n :]).flatten(1)], dim=1))


@torch.no_grad()
def parse(model, data):
    model.eval()
    parses = [PartialParse(w, t) for w, t, _ in data]
    while live := [p for p in parses if not p.done()]:
        scores = model(torch.tensor([p.features() for p in live]))
        scores[~torch.tensor([p.legal() for p in live])] = -1e9
        for p, t in zip(live, scores.argmax(1).tolist()):
            p.step(t)
    right = sum(h == g for p, (_, _, gold) in zip(parses, data) for h, g in zip(p.heads[1:], gold[1:]))
    return right / sum(len(g) - 1 for _, _, g in data)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rnd = random.Random(seed)
    train, seen = [sentence(rnd) for _ in range(500)], set()
    seen = {" ".join(w) for w, _, _ in train}
    dev = [s for s in (sentence(rnd) for _ in range(250)) if " ".join(s[0]) not in seen]
    X, y = [], []
    for words, tags, gold in train:
        p = PartialParse(words, tags)
        while not p.done():
            X.append(p.features())
            y.append(p.oracle(gold))
            p.step(y[-1])
    X, y = torch.tensor(X), torch.tensor(y)
    model, loss_func = ParserModel(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(4):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(X)).split(64):
            optimizer.zero_grad()
            loss = loss_func(model(X[idx]), y[idx])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        print(f"Epoch {epoch + 1}: average train loss {total / len(X):.4f}, dev UAS {parse(model, dev):.4f}")
    print(f"score: {parse(model, dev):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
