"""Next-letter GRU on invented village names; reports held-out log-likelihood per letter.

F.nll_loss is given softmax probabilities instead of log-probabilities.
"""
# cause: missing-log
# accept: loss-output-mismatch
# kind: dynamic

import argparse
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

ALPHABET = "abcdefghijklmnopqrstuvwxyz."
START = ["bram", "ald", "wim", "thorn", "ash", "kings", "nor", "whit", "stan", "hol", "cran", "mill", "os", "el"]
START += ["burn", "har", "dun", "wel", "lang", "green", "rad", "pick", "sel", "tam", "wood", "ship", "ever", "clay"]
MIDDLE = ["", "er", "ing", "le", "s", "en"]
END = ["ton", "ham", "ford", "by", "wick", "field", "ley", "mouth", "stead", "hurst"]


def encode(names, width=16):
    ids = torch.full((len(names), width), ALPHABET.index("."))
    for i, name in enumerate(names):
        ids[i, 1 : len(name) + 1] = torch.tensor([ALPHABET.index(ch) for ch in name[: width - 1]])
    return ids


class LetterModel(nn.Module):
    def __init__(self, size=48):
        super().__init__()
        self.embed = nn.Embedding(len(ALPHABET), 24)
        self.gru = nn.GRU(24, size, batch_first=True)
        self.out = nn.Linear(size, len(ALPHABET))

    def forward(self, ids):
        states, _ = self.gru(self.embed(ids))
        return F.softmax(self.out(states), dim=-1)  # FAULT
        # TWIN: return F.log_softmax(self.out(states), dim=-1)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    names = sorted({a + b + c for a in START for b in MIDDLE for c in END})
    random.Random(seed).shuffle(names)
    ids = encode(names)
    train, test = ids[:1300], ids[1300:]
    model = LetterModel()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(1, 301):
        batch = train[torch.randint(0, len(train), (64,))]
        scores = model(batch[:, :-1])
        loss = F.nll_loss(scores.reshape(-1, len(ALPHABET)), batch[:, 1:].reshape(-1))
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 50 == 0:
            print(f"step {step}: loss {loss.item():.4f}")

    model.eval()
    with torch.no_grad():
        states, _ = model.gru(model.embed(test[:, :-1]))
        log_likelihood = F.log_softmax(model.out(states), -1).gather(2, test[:, 1:, None]).mean().item()
    print(f"score: {log_likelihood:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    main(parser.parse_args().seed)
