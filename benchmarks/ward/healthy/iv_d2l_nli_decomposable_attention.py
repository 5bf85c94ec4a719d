"""Natural language inference on toy premise / hypothesis pairs with the decomposable attention model (attend, compare, aggregate).

After "Natural Language Inference: Using Attention" of Dive into Deep Learning,
https://d2l.ai/chapter_natural-language-processing-applications/natural-language-inference-attention.html
"""

import random
import sys

import torch
import torch.nn.functional as F
from torch import nn

PEOPLE = ["man", "woman", "boy", "girl", "dog", "cat", "horse", "child"]
COLORS = ["red", "blue", "green", "white", "black", "brown"]
ACTIONS = ["runs", "sleeps", "eats", "jumps", "sings", "waits", "swims", "sits"]
PLACES = ["park", "house", "street", "beach", "garden", "market"]
HYPERNYM = {p: "animal" if p in ("dog", "cat", "horse") else "person" for p in PEOPLE}
VOCAB = ["<pad>", "a", "in", "the", "animal", "person"] + PEOPLE + COLORS + ACTIONS + PLACES
STOI = {w: i for i, w in enumerate(VOCAB)}
LABELS = ["entailment", "contradiction", "neutral"]


def make_pair(rnd):
    who, color, act, place = (rnd.choice(c) for c in (PEOPLE, COLORS, ACTIONS, PLACES))
    premise = f"a {color} {who} {act} in the {place}"
    label = rnd.randrange(3)
    subject = rnd.choice([who, HYPERNYM[who]])
    if label == 0:
        hypothesis = f"a {subject} {act}"
    elif label == 1:  # another action cannot be going on
        hypothesis = f"a {subject} {rnd.choice([a for a in ACTIONS if a != act])}"
    else:  # place not told in the premise
        premise = f"a {color} {who} {act}"
        hypothesis = f"a {subject} {act} in the {place}"
    if label != 2 and rnd.random() < 0.5:
        hypothesis += f" in the {place}"
    return premise, hypothesis, label


def encode(text, num_steps):
    ids = [STOI[w] for w in text.split()]
    return ids + [0] * (num_steps - len(ids))


def make_dataset(n, rnd, exclude=()):
    seen, pairs = set(exclude), []
    while len(pairs) < n:
        p, h, y = make_pair(rnd)
        if (p, h) in seen:
            continue
        seen.add((p, h))
        pairs.append((p, h, y))
    tensors = (
        torch.tensor([encode(p, 7) for p, _, _ in pairs]),
        torch.tensor([encode(h, 7) for _, h, _ in pairs]),
        torch.tensor([y for *_, y in pairs]),
    )
    return tensors, seen


def mlp(num_inputs, num_hiddens, dropout=0.1):
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(num_inputs, num_hiddens),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(num_hiddens, num_hiddens),
        nn.ReLU(),
    )


class DecomposableAttention(nn.Module):
    def __init__(self, vocab_size, embed=32, hiddens=48):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed, padding_idx=0)
        self.attend = mlp(embed, hiddens)
        self.compare = mlp(2 * embed, hiddens)
        self.aggregate = nn.Sequential(mlp(2 * hiddens, hiddens), nn.Linear(hiddens, 3))

    def forward(self, premises, hypotheses):
        A, B = self.embedding(premises), self.embedding(hypotheses)
        mask_a, mask_b = premises != 0, hypotheses != 0
        e = self.attend(A) @ self.attend(B).transpose(1, 2)
        beta = F.softmax(e.masked_fill(~mask_b[:, None, :], -1e9), dim=-1) @ B
        alpha = F.softmax(e.masked_fill(~mask_a[:, :, None], -1e9), dim=1).transpose(1, 2) @ A
        VA = (self.compare(torch.cat([A, beta], 2)) * mask_a[..., None]).sum(1)
        VB = (self.compare(torch.cat([B, alpha], 2)) * mask_b[..., None]).sum(1)
        return self.aggregate(torch.cat([VA, VB], 1))


def evaluate_accuracy(net, p, h, y):
    net.eval()
    with torch.no_grad():
        return (net(p, h).argmax(1) == y).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rnd = random.Random(seed)
    train_set, seen = make_dataset(3600, rnd)
    test_set, _ = make_dataset(800, rnd, seen)
    train_iter = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*train_set), 64, shuffle=True)
    net = DecomposableAttention(len(VOCAB))
    trainer = torch.optim.Adam(net.parameters(), lr=0.003)
    loss = nn.CrossEntropyLoss()
    for epoch in range(9):
        net.train()
        total_loss = total_hits = total = 0
        for p, h, y in train_iter:
            trainer.zero_grad()
            out = net(p, h)
            l = loss(out, y)
            l.backward()
            trainer.step()
            total_loss += l.item() * len(y)
            total_hits += (out.argmax(1) == y).sum().item()
            total += len(y)
        print(
            f"epoch {epoch + 1}: loss {total_loss / total:.3f}, train acc {total_hits / total:.3f}, "
            f"test acc {evaluate_accuracy(net, *test_set):.3f}"
        )
    p, h = "a red dog runs in the park", "a animal runs"
    net.eval()
    pred = net(torch.tensor([encode(p, 7)]), torch.tensor([encode(h, 7)])).argmax(1).item()
    print(f"'{p}' / '{h}': {LABELS[pred]}")
    print(f"score: {evaluate_accuracy(net, *test_set):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
