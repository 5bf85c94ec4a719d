"""Bag-of-words topic classifier with a sparse EmbeddingBag trained by SparseAdam and a dense head trained by Adam:
two optimizers, and in every step most rows of the embedding get no gradient.
"""

import sys

import numpy as np
import torch
import torch.nn as nn

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)

VOCAB, TOPICS = 1000, 5
word_probs = rng.dirichlet(np.full(VOCAB, 0.1), size=TOPICS)
common = np.full(VOCAB, 1 / VOCAB)


def make_documents(n):
    topics = rng.integers(0, TOPICS, n)
    documents = []
    for t in topics:
        length = rng.integers(10, 30)
        documents.append(rng.choice(VOCAB, size=length, p=0.5 * word_probs[t] + 0.5 * common))
    return documents, topics


class TextClassifier(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.embedding = nn.EmbeddingBag(VOCAB, dim, mode="mean", sparse=True)
        self.fc = nn.Linear(dim, TOPICS)

    def forward(self, text, offsets):
        return self.fc(self.embedding(text, offsets))


def collate(documents, topics):
    lengths = [len(d) for d in documents]
    offsets = torch.tensor([0, *lengths[:-1]]).cumsum(0)
    return torch.from_numpy(np.concatenate(documents)), offsets, torch.as_tensor(topics)


train_docs, train_topics = make_documents(3000)
test_batch = collate(*make_documents(600))

model = TextClassifier()
criterion = nn.CrossEntropyLoss()
sparse_opt = torch.optim.SparseAdam(list(model.embedding.parameters()), lr=0.01)
dense_opt = torch.optim.Adam(model.fc.parameters(), lr=0.01)

for epoch in range(6):
    order = rng.permutation(len(train_docs))
    total = 0.0
    for start in range(0, len(order), 50):
        rows = order[start : start + 50]
        text, offsets, label = collate([train_docs[i] for i in rows], train_topics[rows])
        sparse_opt.zero_grad()
        dense_opt.zero_grad()
        loss = criterion(model(text, offsets), label)
        loss.backward()
        sparse_opt.step()
        dense_opt.step()
        total += loss.item() * len(rows)
    with torch.no_grad():
        text, offsets, label = test_batch
        acc = (model(text, offsets).argmax(1) == label).float().mean().item()
    print(f"epoch {epoch}: train loss {total / len(order):.4f} test accuracy {acc:.4f}")

print(f"score: {acc:.4f}")
