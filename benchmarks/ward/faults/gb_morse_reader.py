"""Reads noisy Morse signals of unknown speed by dilated convolutions under CTC; most frames stay blank. An endless
IterableDataset makes fresh signals, so there are no epochs. Score: one minus the letter error rate on held-out signals.
"""
# cause: softmax-twice
# kind: dynamic

import random
import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, IterableDataset

torch.set_num_threads(1)
CODE = {
    "a": ".-",
    "d": "-..",
    "e": ".",
    "k": "-.-",
    "n": "-.",
    "o": "---",
    "r": ".-.",
    "s": "...",
    "t": "-",
    "u": "..-",
}
LETTERS = sorted(CODE)


def key(text, rng):
    unit = rng.choice([2, 3])
    out = [0.0] * rng.randint(2, 6)
    for ch in text:
        for mark in CODE[ch]:
            out += [1.0] * (unit * (1 if mark == "." else 3)) + [0.0] * unit
        out += [0.0] * (2 * unit)
    return out


class Morse(IterableDataset):
    def __init__(self, seed):
        self.rng = random.Random(seed)

    def __iter__(self):
        while True:
            text = "".join(self.rng.choice(LETTERS) for _ in range(self.rng.randint(2, 3)))
            yield key(text, self.rng), [LETTERS.index(c) + 1 for c in text]


def collate(batch):
    signals, texts = zip(*batch)
    lengths = torch.tensor([len(s) for s in signals])
    x = torch.zeros(len(batch), int(lengths.max()))
    for row, s in zip(x, signals):
        row[: len(s)] = torch.tensor(s)
    x = x - 0.4 + 0.25 * torch.randn_like(x)
    return x[:, None], (lengths + 1) // 2, torch.tensor(sum(texts, [])), torch.tensor([len(t) for t in texts])


class Reader(nn.Module):
    def __init__(self, h=40):
        super().__init__()
        self.front = nn.Sequential(
            nn.Conv1d(1, h, 5, padding=2), nn.ReLU(), nn.Conv1d(h, h, 5, 2, padding=2), nn.ReLU()
        )
        self.context = nn.ModuleList(nn.Conv1d(h, h, 5, padding=2 * d, dilation=d) for d in (1, 2, 4))
        self.out = nn.Conv1d(h, len(LETTERS) + 1, 1)

    def forward(self, x):
        x = self.front(x)
        for conv in self.context:
            x = x + conv(x).relu()
        return self.out(x).transpose(1, 2).softmax(2)  # FAULT
        # TWIN: return self.out(x).transpose(1, 2).log_softmax(2)


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, ca in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, cb in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (ca != cb))
    return row[-1]


@torch.no_grad()
def letter_accuracy(net, batches):
    net.eval()
    wrong = total = 0
    for x, lengths, targets, sizes in batches:
        best = net(x).argmax(2)
        for line, n, truth in zip(best, lengths, targets.split(sizes.tolist())):
            line = torch.unique_consecutive(line[:n])
            wrong += distance(line[line > 0].tolist(), truth.tolist())
            total += len(truth)
    net.train()
    return 1 - wrong / total


def main(seed):
    torch.manual_seed(seed)
    stream = iter(DataLoader(Morse(2 * seed), batch_size=32, collate_fn=collate))
    held = iter(DataLoader(Morse(2 * seed + 1), batch_size=64, collate_fn=collate))
    val, test = [next(held) for _ in range(2)], [next(held) for _ in range(6)]
    net, ctc = Reader(), nn.CTCLoss(zero_infinity=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=6e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=500)
    total = 0.0
    for step in range(1, 501):
        x, lengths, targets, sizes = next(stream)
        loss = ctc(net(x).transpose(0, 1).log_softmax(2), targets, lengths, sizes)  # FAULT
        # TWIN: loss = ctc(net(x).transpose(0, 1), targets, lengths, sizes)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % 50 == 0:
            print(f"step {step}: ctc {total / 50:.4f} validation letters {letter_accuracy(net, val):.4f}")
            total = 0.0
    print(f"score: {letter_accuracy(net, test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
