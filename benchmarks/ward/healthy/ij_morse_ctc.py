"""Reading noisy Morse signals of varying speed: dilated residual convolutions and CTC. Score: 1 - letter error rate."""

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, IterableDataset

torch.set_num_threads(1)
CODE = {"E": ".", "T": "-", "A": ".-", "N": "-.", "I": "..", "M": "--", "S": "...", "O": "---", "R": ".-.", "K": "-.-"}
LETTERS = sorted(CODE)


def signal(word):
    unit, out = int(torch.randint(1, 3, (1,))), [0.0] * 3
    for letter in word:
        for mark in CODE[LETTERS[letter]]:
            out += [1.0] * (unit if mark == "." else 3 * unit) + [0.0] * unit
        out += [0.0] * (2 * unit)
    wave = torch.tensor(out)
    return wave + 0.15 * torch.randn(len(wave))


class Messages(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        for _ in range(self.n):
            word = torch.randint(0, len(LETTERS), (int(torch.randint(2, 5, (1,))),)).tolist()
            yield signal(word), torch.tensor(word) + 1


def collate(batch):
    waves, words = zip(*batch)
    lengths = torch.tensor([len(w) for w in waves])
    return (
        nn.utils.rnn.pad_sequence(waves, batch_first=True),
        lengths,
        torch.cat(words),
        torch.tensor([len(w) for w in words]),
    )


class Reader(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.stem = nn.Conv1d(1, dim, 5, padding=2)
        self.blocks = nn.ModuleList(nn.Conv1d(dim, dim, 7, padding=3 * d, dilation=d) for d in (1, 2, 4))
        self.out = nn.Linear(dim, len(LETTERS) + 1)

    def forward(self, x):
        h = torch.relu(self.stem(x[:, None]))
        for conv in self.blocks:
            h = h + torch.relu(conv(h))
        return self.out(h.transpose(1, 2)).log_softmax(2)


def edits(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


@torch.no_grad()
def score(model, loader):
    model.eval()
    wrong = count = 0
    for x, lengths, words, sizes in loader:
        best = model(x).argmax(2)
        for path, n, word in zip(best, lengths, words.split(sizes.tolist())):
            path = path[:n].unique_consecutive()
            wrong += edits(path[path > 0].tolist(), word.tolist())
            count += len(word)
    return 1 - wrong / count


def main(seed):
    torch.manual_seed(seed)
    test = list(DataLoader(Messages(150), batch_size=50, collate_fn=collate))
    model, ctc = Reader(), nn.CTCLoss()
    opt = torch.optim.Adam(model.parameters(), lr=6e-3)
    for epoch in range(11):
        model.train()
        for x, lengths, words, sizes in DataLoader(Messages(560), batch_size=16, collate_fn=collate):
            loss = ctc(model(x).transpose(0, 1), words, lengths, sizes)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            opt.step()
        print(f"epoch {epoch}: ctc {loss.item():.4f} letters right {score(model, test):.4f}")
    print(f"score: {score(model, test):.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
