"""Multi-label tagging of short texts: fine-tunes a pre-trained encoder with one sigmoid per tag.

After https://github.com/ThilinaRajapakse/simpletransformers/issues/234
"""
# cause: learning-rate-too-low
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import f1_score

TAGS, WORDS_PER_TAG, COMMON, LENGTH, DIM = 6, 15, 40, 24, 64
VOCAB = 1 + TAGS * WORDS_PER_TAG + COMMON
ARGS = {"learning_rate": 4e-5, "train_batch_size": 16, "num_train_epochs": 4, "weight_decay": 0.01}


def make_texts(n, rng):
    tags = (rng.random((n, TAGS)) < 0.3).astype(np.float32)
    ids = rng.integers(1 + TAGS * WORDS_PER_TAG, VOCAB, (n, LENGTH))
    for i in range(n):
        present = np.flatnonzero(tags[i])
        if len(present):
            which = rng.choice(present, LENGTH)
            own = 1 + which * WORDS_PER_TAG + rng.integers(0, WORDS_PER_TAG, LENGTH)
            ids[i] = np.where(rng.random(LENGTH) < 0.6, own, ids[i])
    return torch.as_tensor(ids), torch.as_tensor(tags)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, DIM)
        self.dense = nn.Linear(DIM, DIM)
        self.LayerNorm = nn.LayerNorm(DIM)

    def forward(self, ids):
        pooled = self.embedding(ids).mean(dim=1)
        return self.LayerNorm(pooled + F.gelu(self.dense(pooled)))


class MultiLabelModel(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(DIM, TAGS)

    def forward(self, ids):
        return self.classifier(self.dropout(self.encoder(ids)))


def pretrain(encoder, ids, steps=250):
    """Masked words: guess a hidden word from the rest of its text."""
    decoder = nn.Linear(DIM, VOCAB)
    optimizer = torch.optim.AdamW(list(encoder.parameters()) + list(decoder.parameters()), lr=3e-3)
    for step in range(steps):
        batch = ids[torch.randint(0, len(ids), (64,))].clone()
        target = batch[:, 0].clone()
        batch[:, 0] = 0
        loss = F.cross_entropy(decoder(encoder(batch)), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"pre-trained, last loss {loss.item():.3f}")


def main(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    torch.set_num_threads(1)

    unlabelled, _ = make_texts(4000, rng)
    train_x, train_y = make_texts(1200, rng)
    eval_x, eval_y = make_texts(500, rng)

    encoder = Encoder()
    pretrain(encoder, unlabelled)
    model = MultiLabelModel(encoder)

    head_lr = ARGS["learning_rate"]  # FAULT
    # TWIN: head_lr = 5e-3
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for n, p in model.named_parameters() if not n.startswith("classifier")]},
            {"params": model.classifier.parameters(), "lr": head_lr},
        ],
        lr=ARGS["learning_rate"],
        weight_decay=ARGS["weight_decay"],
    )
    criterion = nn.BCEWithLogitsLoss()

    for epoch in range(ARGS["num_train_epochs"]):
        model.train()
        losses = []
        for idx in torch.randperm(len(train_x)).split(ARGS["train_batch_size"]):
            loss = criterion(model(train_x[idx]), train_y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            predictions = (torch.sigmoid(model(eval_x)) > 0.5).float()
        f1 = f1_score(eval_y.numpy(), predictions.numpy(), average="macro", zero_division=0)
        print(f"Epoch {epoch + 1}: running loss {np.mean(losses):.4f}  macro F1 {f1:.4f}")

    print(f"score: {f1:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
