"""Sequences of 60 symbols; the class is the first symbol. A vanilla tanh RNN reads the sequence and answers at its end.

The gradient that reaches the first steps is nearly zero.
"""
# cause: vanishing-through-time
# accept: vanishing-gradient
# kind: dynamic

import argparse

import torch
import torch.nn.functional as F
from torch import nn

VOCAB, LENGTH, CLASSES = 10, 60, 4


def batch(n):
    seq = torch.randint(CLASSES, VOCAB, (n, LENGTH))
    label = torch.randint(CLASSES, (n,))
    seq[:, 0] = label
    return seq, label


class Reader(nn.Module):
    def __init__(self, dim=16, hidden=32):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.rnn = nn.RNN(dim, hidden, batch_first=True)  # FAULT
        # TWIN: self.rnn = nn.GRU(dim, hidden, batch_first=True)
        # TWIN: self.rnn.bias_hh_l0.data[hidden : 2 * hidden].fill_(4.0)
        self.fc = nn.Linear(hidden, CLASSES)

    def forward(self, seq):
        out, _ = self.rnn(self.embed(seq))
        return self.fc(out[:, -1])


def train(seed, steps):
    torch.manual_seed(seed)
    test_x, test_y = batch(500)
    model = Reader()
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    for step in range(steps + 1):
        x, y = batch(32)
        loss = F.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        if step % 50 == 0:
            with torch.no_grad():
                acc = (model(test_x).argmax(-1) == test_y).float().mean().item()
            print(f"step {step} loss {loss.item():.4f} test acc {acc:.3f}")
    return acc


if __name__ == "__main__":
    torch.set_num_threads(1)
    p = argparse.ArgumentParser()
    p.add_argument("seed", type=int, nargs="?", default=0)
    p.add_argument("--steps", type=int, default=250)
    a = p.parse_args()
    print(f"score: {train(a.seed, a.steps):.4f}")
