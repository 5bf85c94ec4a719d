"""Numbers spelled as English words to digits: GRU encoder-decoder with teacher forcing. Score: exact match, greedy."""
# cause: batch-mixing
# kind: dynamic

import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
ONES += ["seventeen", "eighteen", "nineteen"]
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
WORDS = {w: i + 1 for i, w in enumerate(ONES + TENS + ["hundred", "thousand", "and"])}
PAD, START, STOP = 10, 11, 12


def spell(n):
    if n >= 1000:
        return spell(n // 1000) + ["thousand"] + (spell(n % 1000) if n % 1000 else [])
    if n >= 100:
        return [ONES[n // 100], "hundred"] + (["and"] + spell(n % 100) if n % 100 else [])
    return [ONES[n]] if n < 20 else [TENS[n // 10 - 2]] + ([ONES[n % 10]] if n % 10 else [])


def encode(numbers):
    src = [torch.tensor([WORDS[w] for w in spell(n)]) for n in numbers]
    tgt = [torch.tensor([START, *map(int, str(n)), STOP]) for n in numbers]
    pad = nn.utils.rnn.pad_sequence
    return pad(src, True), torch.tensor([len(s) for s in src]), pad(tgt, True, PAD)


class Seq2Seq(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.words, self.digits = (
            nn.Embedding(len(WORDS) + 1, dim, padding_idx=0),
            nn.Embedding(13, dim, padding_idx=PAD),
        )
        self.encoder = nn.GRU(dim, dim // 2, batch_first=True, bidirectional=True)  # FAULT
        self.decoder = nn.GRU(dim, dim, batch_first=True)  # FAULT
        # TWIN: self.encoder, self.decoder = nn.GRU(dim, dim, batch_first=True), nn.GRU(dim, dim, batch_first=True)
        self.out = nn.Linear(dim, 13)

    def encode(self, src, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.words(src), lengths, True, enforce_sorted=False)
        return self.encoder(packed)[1].reshape(1, len(src), -1)  # FAULT
        # TWIN: return self.encoder(packed)[1]

    def forward(self, src, lengths, tgt):
        return self.out(self.decoder(self.digits(tgt), self.encode(src, lengths))[0])

    @torch.no_grad()
    def translate(self, src, lengths, steps=6):
        h, token, seq = self.encode(src, lengths), torch.full((len(src), 1), START), []
        for _ in range(steps):
            out, h = self.decoder(self.digits(token), h)
            token = self.out(out).argmax(2)
            seq.append(token)
        return torch.cat(seq, 1).tolist()


def exact_match(model, numbers):
    model.eval()
    src, lengths, _ = encode(numbers)
    guesses = model.translate(src, lengths)
    return sum(g[: len(str(n)) + 1] == [*map(int, str(n)), STOP] for g, n in zip(guesses, numbers)) / len(numbers)


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    numbers = list(range(10000))
    random.Random(seed).shuffle(numbers)
    train, test = numbers[:6000], numbers[6000:7000]
    src, lengths, tgt = encode(train)
    model = Seq2Seq()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(1, 9):
        model.train()
        for idx in torch.randperm(len(train)).split(64):
            logits = model(src[idx], lengths[idx], tgt[idx, :-1])
            loss = F.cross_entropy(logits.transpose(1, 2), tgt[idx, 1:], ignore_index=PAD)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.4f} exact match {exact_match(model, test):.4f}")
    print(f"score: {exact_match(model, test):.4f}")
