"""Fine-tunes a small pre-trained BERT-like encoder to tell the intent of short sentences.

After https://github.com/huggingface/transformers/issues/735
"""
# cause: learning-rate-too-high
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

PAD, CLS, MASK = 0, 1, 2
VOCAB, LENGTH, INTENTS = 150, 12, 6


class TinyBert(nn.Module):
    def __init__(self, d=32, layers=3):
        super().__init__()
        self.tokens = nn.Embedding(VOCAB, d)
        self.positions = nn.Embedding(LENGTH, d)
        self.norm = nn.LayerNorm(d)
        block = nn.TransformerEncoderLayer(d, 4, 2 * d, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(block, layers)
        self.lm_head = nn.Linear(d, VOCAB)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions(torch.arange(ids.size(1)))
        return self.encoder(self.norm(x))


class IntentClassifier(nn.Module):
    def __init__(self, bert, d=32):
        super().__init__()
        self.bert = bert
        self.dropout = nn.Dropout(0.1)
        self.out = nn.Linear(d, INTENTS)

    def forward(self, ids):
        return self.out(self.dropout(self.bert(ids)[:, 0]))


def make_sentences(n, rng):
    labels = rng.integers(0, INTENTS, n)
    ids = rng.integers(75, VOCAB, (n, LENGTH))
    own = 3 + labels[:, None] * 12 + rng.integers(0, 12, (n, LENGTH))
    ids = np.where(rng.random((n, LENGTH)) < 0.45, own, ids)
    ids[:, 0] = CLS
    return torch.as_tensor(ids), torch.as_tensor(labels)


def pretrain(bert, ids, steps):
    optimizer = torch.optim.AdamW(bert.parameters(), lr=1e-3)
    bert.train()
    for step in range(steps):
        batch = ids[torch.randint(0, len(ids), (48,))]
        hide = torch.rand(batch.shape) < 0.15
        hide[:, 0] = False
        logits = bert.lm_head(bert(batch.masked_fill(hide, MASK)))
        loss = F.cross_entropy(logits[hide], batch[hide])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            print(f"pre-training step {step}: mlm loss {loss.item():.3f}")


def evaluate(model, ids, labels):
    model.eval()
    with torch.no_grad():
        return (model(ids).argmax(1) == labels).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    torch.set_num_threads(1)

    corpus, _ = make_sentences(4000, rng)
    train_x, train_y = make_sentences(1280, rng)
    test_x, test_y = make_sentences(500, rng)

    bert = TinyBert()
    pretrain(bert, corpus, 100)

    model = IntentClassifier(bert)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.03)  # FAULT
    # TWIN: optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()

    for epoch in range(4):
        model.train()
        running = 0.0
        order = torch.randperm(len(train_x))
        for idx in order.split(32):
            optimizer.zero_grad()
            loss = criterion(model(train_x[idx]), train_y[idx])
            loss.backward()
            optimizer.step()
            running += loss.item() * len(idx)
        acc = evaluate(model, test_x, test_y)
        print(f"epoch {epoch + 1}: train loss {running / len(train_x):.4f}, eval accuracy {acc:.4f}")

    print(f"score: {evaluate(model, test_x, test_y):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
