"""Fine-tunes a small transformer, pre-trained on unlabelled notes, to tag drugs, diseases and body parts in clinical text.

After https://github.com/MenglinLu/Chinese-clinical-NER/issues/6
"""
# cause: learning-rate-too-high
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

LABELS = ["O", "B-DRUG", "I-DRUG", "B-DIS", "I-DIS", "B-BODY", "I-BODY"]
PAD, MASK, FIRST = 0, 1, 2
VOCAB, MAX_LEN = 180, 20
FREE = np.arange(FIRST, 120)  # common words
HEADS = [np.arange(120 + 10 * k, 130 + 10 * k) for k in range(3)]  # words that open an entity of kind k
TAILS = np.arange(150, 180)  # words that may go on after any of them


def notes(n, rng):
    """Sentences of common words with, on average, one short entity in each."""
    ids, tags = np.zeros((n, MAX_LEN), dtype=int), np.zeros((n, MAX_LEN), dtype=int)
    for s in range(n):
        length = rng.integers(12, MAX_LEN + 1)
        ids[s, :length] = np.sort(rng.choice(FREE, length))
        tags[s, length:] = -100
        for _ in range(rng.integers(0, 3)):
            kind, span = rng.integers(3), rng.integers(1, 4)
            at = rng.integers(0, length - span + 1)
            ids[s, at : at + span] = np.r_[rng.choice(HEADS[kind]), rng.choice(TAILS, span - 1)]
            tags[s, at : at + span] = [1 + 2 * kind] + [2 + 2 * kind] * (span - 1)
    return torch.tensor(ids), torch.tensor(tags)


class Encoder(nn.Module):
    def __init__(self, dim=48, layers=2):
        super().__init__()
        self.word = nn.Embedding(VOCAB, dim, padding_idx=PAD)
        self.position = nn.Embedding(MAX_LEN, dim)
        self.norm = nn.LayerNorm(dim)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(dim, 4, 2 * dim, dropout=0.1, activation="gelu", batch_first=True)
            for _ in range(layers)
        )

    def forward(self, ids):
        x = self.norm(self.word(ids) + self.position(torch.arange(ids.shape[1])))
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=ids == PAD)
        return x


class BertForNER(nn.Module):
    def __init__(self, bert, dim=48):
        super().__init__()
        self.bert = bert
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(dim, len(LABELS))

    def forward(self, ids):
        return self.classifier(self.dropout(self.bert(ids)))


def pretrain(bert, ids, steps, rng):
    """Masked language modelling on notes without labels."""
    head = nn.Linear(48, VOCAB)
    optimizer = torch.optim.AdamW([*bert.parameters(), *head.parameters()], lr=2e-3)
    for _ in range(steps):
        batch = ids[rng.integers(len(ids), size=32)]
        hide = (torch.rand(batch.shape) < 0.15) & (batch != PAD)
        logits = head(bert(batch.masked_fill(hide, MASK))[hide])
        loss = F.cross_entropy(logits, batch[hide])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"pre-training: loss {loss.item():.3f}")


@torch.no_grad()
def f1_score(model, ids, tags):
    model.eval()
    pred = model(ids).argmax(-1)
    real = tags != -100
    correct = ((pred == tags) & (tags > 0)).sum().item()
    named, true = ((pred > 0) & real).sum().item(), (tags > 0).sum().item()
    accuracy = (pred == tags)[real].float().mean().item()
    return 2 * correct / max(named + true, 1), accuracy


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    unlabelled, _ = notes(1500, rng)
    ids, tags = notes(900, rng)
    dev_ids, dev_tags = notes(200, rng)

    bert = Encoder()
    pretrain(bert, unlabelled, 60, rng)
    model = BertForNER(bert)
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-2)  # FAULT
    # TWIN: optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)

    for epoch in range(6):
        model.train()
        losses = []
        for idx in np.array_split(rng.permutation(len(ids)), 30):
            loss = F.cross_entropy(model(ids[idx]).transpose(1, 2), tags[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        f1, accuracy = f1_score(model, dev_ids, dev_tags)
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}  dev accuracy {accuracy:.4f}  dev F1 {f1:.4f}")

    print(f"score: {f1:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
