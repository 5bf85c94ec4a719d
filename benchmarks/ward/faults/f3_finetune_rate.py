"""Small transformer encoder for the sentiment of short reviews, trained from scratch with the learning rate that BERT
is fine-tuned with (AdamW, 2e-5)."""
# cause: learning-rate-too-low
# kind: dynamic

import random
import sys

import torch
from torch import nn

GOOD = "great lovely superb charming brilliant moving fresh fun".split()
BAD = "dull awful tedious bland silly weak messy stale".split()
FILLER = "the film story cast was is plot and scene very quite so music end of it acting a in with".split()
WORDS = ["<pad>", "not", *GOOD, *BAD, *FILLER]
IDS = {w: i for i, w in enumerate(WORDS)}
LENGTH = 14


def review(rng):
    label = rng.randint(0, 1)
    words = rng.choices(FILLER, k=rng.randint(6, 9))
    for _ in range(2):
        positive = label if rng.random() < 0.97 else 1 - label
        at = rng.randint(0, len(words))
        if rng.random() < 0.1:
            words[at:at] = ["not", rng.choice(BAD if positive else GOOD)]
        else:
            words.insert(at, rng.choice(GOOD if positive else BAD))
    ids = [IDS[w] for w in words][:LENGTH]
    return ids + [0] * (LENGTH - len(ids)), label


class Encoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.tokens = nn.Embedding(len(WORDS), dim, padding_idx=0)
        self.places = nn.Parameter(0.1 * torch.randn(LENGTH, dim))
        self.layer = nn.TransformerEncoderLayer(dim, nhead=4, dim_feedforward=64, dropout=0.1, batch_first=True)
        self.head = nn.Linear(dim, 2)

    def forward(self, ids):
        mask = ids.eq(0)
        h = self.layer(self.tokens(ids) + self.places, src_key_padding_mask=mask)
        h = h.masked_fill(mask.unsqueeze(-1), 0.0).sum(1) / (~mask).sum(1, keepdim=True)
        return self.head(h)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    ids, labels = (torch.tensor(v) for v in zip(*(review(rng) for _ in range(2500))))
    train = torch.utils.data.TensorDataset(ids[:2000], labels[:2000])
    loader = torch.utils.data.DataLoader(train, batch_size=40, shuffle=True)

    model = Encoder()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)  # FAULT
    # TWIN: optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for epoch in range(1, 11):
        model.train()
        total = 0.0
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            logits = model(ids[2000:])
            val = nn.functional.cross_entropy(logits, labels[2000:]).item()
            acc = logits.argmax(-1).eq(labels[2000:]).float().mean().item()
        print(f"epoch {epoch} | loss {total / len(loader):.4f} | val loss {val:.4f} | val acc {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
