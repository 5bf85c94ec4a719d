"""Looks up the content of a locker: pairs of (locker, content) in a list, then the number that is asked for.

Written around scaled_dot_product_attention because nn.MultiheadAttention was slower on our machine.
"""
# cause: dropout-in-evaluation
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

LOCKERS, CONTENTS, PAIRS = 16, 10, 8
WIDTH, HEADS, DROP = 48, 2, 0.3


def questions(count):
    lockers = torch.rand(count, LOCKERS).argsort(1)[:, :PAIRS]
    contents = torch.randint(0, CONTENTS, (count, PAIRS))
    which = torch.randint(0, PAIRS, (count,))
    rows = torch.arange(count)
    return lockers, contents, lockers[rows, which], contents[rows, which]


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key_value = nn.Linear(WIDTH, 2 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def split(self, x):
        return x.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)

    def forward(self, asked, memory):
        q = self.split(self.query(asked))
        k, v = (self.split(part) for part in self.key_value(memory).chunk(2, dim=-1))
        x = F.scaled_dot_product_attention(q, k, v, dropout_p=DROP)  # FAULT
        # TWIN: x = F.scaled_dot_product_attention(q, k, v, dropout_p=DROP if self.training else 0.0)
        return self.out(x.transpose(1, 2).flatten(2))


class Lookup(nn.Module):
    def __init__(self):
        super().__init__()
        self.locker = nn.Embedding(LOCKERS, WIDTH)
        self.content = nn.Embedding(CONTENTS, WIDTH)
        self.attention = Attention()
        self.norm = nn.LayerNorm(WIDTH)
        self.feed = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, CONTENTS))

    def forward(self, lockers, contents, asked):
        memory = self.locker(lockers) + self.content(contents)
        question = self.locker(asked).unsqueeze(1)
        return self.feed(self.norm(question + self.attention(question, memory)).squeeze(1))


def evaluate(model, data):
    model.eval()
    *inputs, answer = data
    with torch.no_grad():
        logits = model(*inputs)
    return F.cross_entropy(logits, answer).item(), (logits.argmax(1) == answer).float().mean().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    held_out = questions(2000)
    model = Lookup()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    steps = 800
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps, pct_start=0.1)
    for step in range(1, steps + 1):
        model.train()
        *inputs, answer = questions(128)
        loss = F.cross_entropy(model(*inputs), answer)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        if step % 80 == 0:
            val_loss, val_accuracy = evaluate(model, held_out)
            print(f"step {step:5d}  loss {loss.item():.4f}  val loss {val_loss:.4f}  val accuracy {val_accuracy:.4f}")
    print(f"score: {evaluate(model, held_out)[1]:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
