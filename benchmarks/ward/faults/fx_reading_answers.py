"""Reading comprehension on made-up passages: the question attends to the passage, and the answer is one of the things in it.

After https://github.com/stevezheng23/reading_comprehension_tf/pull/30
"""
# cause: softmax-wrong-axis
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

NAMES, THINGS, ASK = 24, 16, 6  # people, what they may have, ways to begin a question
VOCAB = 1 + NAMES + THINGS + ASK
FACTS = 8


def passages(n, rng):
    """A passage says of eight people, in any order, what each one has; the question names one of them."""
    passage, question = np.zeros((n, 2 * FACTS), dtype=int), np.zeros((n, 3), dtype=int)
    answer = np.zeros(n, dtype=int)
    for s in range(n):
        who = rng.choice(NAMES, FACTS, replace=False)
        has = rng.integers(THINGS, size=FACTS)
        passage[s, 0::2], passage[s, 1::2] = 1 + who, 1 + NAMES + has
        pick = rng.integers(FACTS)
        ask = 1 + NAMES + THINGS + rng.integers(ASK, size=2)
        question[s] = ask[0], ask[1], 1 + who[pick]
        answer[s] = has[pick]
    return torch.tensor(passage), torch.tensor(question), torch.tensor(answer)


class Attention(nn.Module):
    """Multiplicative attention: every position of the source looks at the positions of the target."""

    def __init__(self, src_dim, trg_dim):
        super().__init__()
        self.matrix = nn.Parameter(torch.empty(src_dim, trg_dim))
        nn.init.xavier_uniform_(self.matrix)

    def forward(self, src, trg):
        score = src @ self.matrix @ trg.transpose(1, 2)
        weight = torch.softmax(score, dim=1)  # FAULT
        # TWIN: weight = torch.softmax(score, dim=-1)
        return weight @ trg


class Reader(nn.Module):
    def __init__(self, embed_dim=32, unit_dim=32):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, embed_dim)
        self.passage_rnn = nn.GRU(embed_dim, unit_dim, batch_first=True, bidirectional=True)
        self.question_rnn = nn.GRU(embed_dim, unit_dim, batch_first=True, bidirectional=True)
        self.attention = Attention(2 * unit_dim, 2 * unit_dim)
        self.output = nn.Sequential(nn.Linear(4 * unit_dim, 64), nn.ReLU(), nn.Linear(64, THINGS))

    def forward(self, passage, question):
        p, _ = self.passage_rnn(self.embedding(passage))
        q, _ = self.question_rnn(self.embedding(question))
        seen = self.attention(q, p)
        return self.output(torch.cat([q, seen], dim=-1).mean(dim=1))


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    train, dev = passages(4000, rng), passages(400, rng)

    model = Reader()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

    for epoch in range(5):
        model.train()
        total = 0.0
        for idx in torch.randperm(4000).split(80):
            passage, question, answer = (t[idx] for t in train)
            optimizer.zero_grad()
            loss = criterion(model(passage, question), answer)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            logits = model(dev[0], dev[1])
            exact = (logits.argmax(-1) == dev[2]).float().mean().item()
            dev_loss = criterion(logits, dev[2]).item()
        print(f"epoch {epoch + 1}: loss {total / 4000:.4f}  dev loss {dev_loss:.4f}  exact match {exact:.4f}")

    print(f"score: {exact:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
