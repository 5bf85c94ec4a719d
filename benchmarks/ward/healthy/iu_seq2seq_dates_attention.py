"""Human-readable dates to ISO dates, character by character: GRU encoder, decoder with additive attention.

After the date-translation assignment of the Deep Learning Specialization (Sequence Models, week 3)
and https://pytorch.org/tutorials/intermediate/seq2seq_translation_tutorial.html
"""

import datetime
import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence

FORMATS = ["{d} {B} {y}", "{B} {d}, {y}", "{b} {d} {y}", "{d}.{m}.{y}", "{d} {b} {y}"]
MONTHS = ("january february march april may june july august september october november december").split()
SRC = "<" + "abcdefghijklmnopqrstuvwxyz0123456789 ,./"
OUT = "0123456789-"
SOS = len(OUT)


def make_pairs(n, rng):
    pairs = {}
    while len(pairs) < n:
        day = datetime.date(1960, 1, 1) + datetime.timedelta(days=rng.randrange(365 * 65))
        month = MONTHS[day.month - 1]
        text = rng.choice(FORMATS).format(d=day.day, m=day.month, y=day.year, B=month, b=month[:3])
        pairs[text] = day.isoformat()
    pairs = list(pairs.items())
    rng.shuffle(pairs)
    return pairs


class Encoder(nn.Module):
    def __init__(self, vocab, emb, hidden):
        super().__init__()
        self.embed = nn.Embedding(vocab, emb, padding_idx=0)
        self.gru = nn.GRU(emb, hidden, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(2 * hidden, hidden)

    def forward(self, src):
        out, h = self.gru(self.embed(src))
        return out, torch.tanh(self.bridge(torch.cat([h[0], h[1]], dim=1)))


class AttnDecoder(nn.Module):
    def __init__(self, vocab, emb, hidden):
        super().__init__()
        self.embed = nn.Embedding(vocab + 1, emb)
        self.Wa = nn.Linear(hidden, hidden)
        self.Ua = nn.Linear(2 * hidden, hidden)
        self.Va = nn.Linear(hidden, 1)
        self.cell = nn.GRUCell(emb + 2 * hidden, hidden)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, memory, hidden, mask, target=None, length=10):
        keys = self.Ua(memory)
        token = torch.full((memory.size(0),), SOS)
        logits = []
        for t in range(length):
            scores = self.Va(torch.tanh(self.Wa(hidden).unsqueeze(1) + keys)).squeeze(2)
            weights = F.softmax(scores.masked_fill(~mask, float("-inf")), dim=1)
            context = torch.bmm(weights.unsqueeze(1), memory).squeeze(1)
            hidden = self.cell(torch.cat([self.embed(token), context], dim=1), hidden)
            logits.append(self.out(hidden))
            token = target[:, t] if target is not None else logits[-1].argmax(1)
        return torch.stack(logits, dim=1)


def encode(pairs):
    src = pad_sequence([torch.tensor([SRC.index(c) for c in s]) for s, _ in pairs], batch_first=True)
    tgt = torch.tensor([[OUT.index(c) for c in t] for _, t in pairs])
    return src, tgt


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    pairs = make_pairs(4000, random.Random(seed))
    src, tgt = encode(pairs)
    src_train, tgt_train, src_test, tgt_test = src[:3500], tgt[:3500], src[3500:], tgt[3500:]

    encoder, decoder = Encoder(len(SRC), 16, 40), AttnDecoder(len(OUT), 12, 40)
    enc_opt = torch.optim.Adam(encoder.parameters(), lr=8e-3)
    dec_opt = torch.optim.Adam(decoder.parameters(), lr=8e-3)
    batch, step = 64, 0
    total_steps = 3 * (3500 // batch)
    schedulers = [torch.optim.lr_scheduler.CosineAnnealingLR(o, total_steps, eta_min=2e-4) for o in (enc_opt, dec_opt)]

    for epoch in range(3):
        encoder.train(), decoder.train()
        running = 0.0
        for idx in torch.randperm(3500)[: 3500 // batch * batch].view(-1, batch):
            x, y = src_train[idx], tgt_train[idx]
            x = x[:, : int((x != 0).sum(1).max())]
            memory, hidden = encoder(x)
            logits = decoder(memory, hidden, x != 0, target=y)
            loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
            enc_opt.zero_grad(), dec_opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([*encoder.parameters(), *decoder.parameters()], 1.0)
            enc_opt.step(), dec_opt.step()
            for s in schedulers:
                s.step()
            running += loss.item()
            step += 1
        print(f"epoch {epoch}  step {step}  loss {running / (3500 // batch):.4f}")

    encoder.eval(), decoder.eval()
    with torch.no_grad():
        memory, hidden = encoder(src_test)
        guess = decoder(memory, hidden, src_test != 0).argmax(-1)
    for (text, iso), g in list(zip(pairs[3500:], guess))[:4]:
        print(f"{text:>20} -> {''.join(OUT[i] for i in g)}   ({iso})")
    print(f"char accuracy {(guess == tgt_test).float().mean().item():.4f}")
    print(f"score: {(guess == tgt_test).all(1).float().mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
