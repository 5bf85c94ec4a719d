"""Sorts station announcements (delay, platform change, cancellation, safety ...) with a small transformer encoder."""

import math
import random
import sys

import torch
import torch.nn as nn

KINDS = ["delay", "platform", "cancelled", "safety", "arrival"]
PLACES = ["Ayr", "Bath", "Crewe", "Deal", "Ely", "Fleet", "Goole", "Hove"]
TEMPLATES = {
    "delay": ["the {t} to {p} is {n} minutes late", "{n} minutes are to be added to the {t} service from {p}"],
    "platform": ["the {t} to {p} now leaves from platform {n}", "please go to platform {n} for the {t} to {p}"],
    "cancelled": ["the {t} to {p} does not run today", "we are sorry that the {t} service to {p} is withdrawn"],
    "safety": ["please stand back from the edge of platform {n}", "please do not leave bags on the {t} to {p}"],
    "arrival": ["the train now at platform {n} is the {t} to {p}", "the {t} from {p} comes in at platform {n}"],
}
FILLERS = ["attention please", "good morning", "this is an announcement", "ladies and gentlemen", "thank you"]
MAX_LEN = 28


def announce(rng):
    kind = rng.randrange(len(KINDS))
    text = rng.choice(TEMPLATES[KINDS[kind]])
    text = text.format(t=f"{rng.randrange(5, 24)} {rng.randrange(60)}", p=rng.choice(PLACES), n=rng.randrange(1, 21))
    words = text.split()
    words = [w for w in words if rng.random() > 0.12]  # the recogniser misses some words
    if rng.random() < 0.5:
        words = rng.choice(FILLERS).split() + words
    if rng.random() < 0.3:
        words = words + rng.choice(FILLERS).split()
    return words[:MAX_LEN], kind


def encode(samples, vocab):
    ids = torch.zeros(len(samples), MAX_LEN, dtype=torch.long)
    for i, (words, _) in enumerate(samples):
        ids[i, : len(words)] = torch.tensor([vocab.get(w, 1) for w in words])
    return ids, torch.tensor([kind for _, kind in samples])


class PositionalEncoding(nn.Module):
    def __init__(self, d_model):
        super().__init__()
        position = torch.arange(MAX_LEN).unsqueeze(1)
        div = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(MAX_LEN, d_model)
        pe[:, 0::2], pe[:, 1::2] = torch.sin(position * div), torch.cos(position * div)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return x + self.pe[: x.size(1)]


class AnnouncementClassifier(nn.Module):
    def __init__(self, vocab_size, d_model=32, heads=4, layers=2):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, d_model, padding_idx=0)
        self.position = PositionalEncoding(d_model)
        layer = nn.TransformerEncoderLayer(d_model, heads, 64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.classify = nn.Linear(d_model, len(KINDS))

    def forward(self, ids):
        pad = ids == 0
        h = self.encoder(self.position(self.embed(ids)), src_key_padding_mask=pad)
        h = h.masked_fill(pad.unsqueeze(-1), 0).sum(1) / (~pad).sum(1, keepdim=True)
        return self.classify(h)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    train, test = [announce(rng) for _ in range(1500)], [announce(rng) for _ in range(400)]
    words = sorted({w for sample, _ in train for w in sample})
    vocab = {w: i + 2 for i, w in enumerate(words)}
    x_train, y_train = encode(train, vocab)
    x_test, y_test = encode(test, vocab)
    model = AnnouncementClassifier(len(vocab) + 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(8):
        model.train()
        total = 0.0
        for batch in torch.randperm(len(x_train)).split(32):
            optimizer.zero_grad()
            loss = loss_fn(model(x_train[batch]), y_train[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        model.eval()
        with torch.no_grad():
            accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch + 1} loss {total / len(x_train):.4f} test accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
