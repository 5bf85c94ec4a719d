"""Writing dates in ISO form: "03 of march 1998" and other spellings to "1998-03-03", with a GRU encoder,
dot-product attention and a GRU decoder trained by teacher forcing. Score: exact matches on held-out dates.
"""

import datetime
import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence

torch.set_num_threads(1)
SOURCE = " abcdefghijklmnopqrstuvwxyz0123456789,./"
TARGET = "#0123456789-"  # '#' starts
FORMS = ["%d %b %Y", "%B %d, %Y", "%d.%m.%Y", "%d of %B %Y", "%b %d %y"]


def sample(rng):
    day = datetime.date(1960, 1, 1) + datetime.timedelta(days=rng.randrange(50 * 365))
    return day.strftime(rng.choice(FORMS)).lower(), "#" + day.isoformat()


class Translator(nn.Module):
    def __init__(self, dim=24, hidden=64):
        super().__init__()
        self.source, self.target = nn.Embedding(len(SOURCE) + 1, dim, padding_idx=0), nn.Embedding(len(TARGET), dim)
        self.encoder = nn.GRU(dim, hidden // 2, batch_first=True, bidirectional=True)
        self.decoder = nn.GRU(dim, hidden, batch_first=True)
        self.bridge = nn.Linear(hidden, hidden)
        self.out = nn.Linear(2 * hidden, len(TARGET))

    def encode(self, source):
        memory, last = self.encoder(self.source(source))
        return memory, torch.tanh(self.bridge(torch.cat([last[0], last[1]], 1)))[None]

    def decode(self, target, memory, mask, state):
        h, state = self.decoder(self.target(target), state)
        weights = (h @ memory.transpose(1, 2)).masked_fill(mask[:, None], -1e9).softmax(-1)
        return self.out(torch.cat([h, weights @ memory], -1)), state

    @torch.no_grad()
    def translate(self, source, length=10):
        memory, state = self.encode(source)
        token, written = torch.zeros(len(source), 1, dtype=torch.long), []
        for _ in range(length):
            logits, state = self.decode(token, memory, source == 0, state)
            token = logits.argmax(-1)
            written.append(token)
        return torch.cat(written, 1)


def tensors(pairs):
    source = pad_sequence([torch.tensor([SOURCE.index(c) + 1 for c in s]) for s, _ in pairs], batch_first=True)
    return source, torch.tensor([[TARGET.index(c) for c in t] for _, t in pairs])


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = random.Random(seed)
    source, target = tensors([sample(rng) for _ in range(3000)])
    test_source, test_target = tensors([sample(rng) for _ in range(400)])
    model = Translator()
    epochs, per_epoch = 6, len(source) // 60
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=epochs * per_epoch, pct_start=0.2)
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(source)).split(60):
            memory, state = model.encode(source[idx])
            logits, _ = model.decode(target[idx, :-1], memory, source[idx] == 0, state)
            loss = F.cross_entropy(logits.flatten(0, 1), target[idx, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            total += loss.item()
        model.eval()
        exact = (model.translate(test_source) == test_target[:, 1:]).all(1).float().mean().item()
        print(f"epoch {epoch}: loss {total / per_epoch:.4f} exact {exact:.4f}")
    print(f"score: {exact:.4f}")


if __name__ == "__main__":
    main()
