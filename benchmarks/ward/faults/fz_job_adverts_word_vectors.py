"""Sorts job adverts into five trades: mean of word vectors and a linear layer, starting
from word vectors that were computed (PPMI + SVD) on a large corpus of general text.
"""
# cause: frozen-parameters
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

PAD, GENERAL, DOMAIN = 0, 400, 250  # ids 1..400 are everyday words, 401..650 trade jargon
VOCAB = 1 + GENERAL + DOMAIN
TRADES, LENGTH, DIM = 5, 18, 32


def general_corpus(rng, n=3000):
    """Sentences of everyday words, written about ten everyday topics."""
    topics = rng.dirichlet(np.full(GENERAL, 0.1), size=10)
    return np.stack([rng.choice(GENERAL, LENGTH, p=topics[rng.integers(10)]) + 1 for _ in range(n)])


def word_vectors(corpus):
    bag = np.zeros((len(corpus), VOCAB))
    for i, sentence in enumerate(corpus):
        bag[i, sentence] = 1.0
    co = bag.T @ bag
    total = co.sum()
    expected = np.outer(co.sum(1), co.sum(0)) / total
    ppmi = np.log(np.maximum(co, 1e-12) / np.maximum(expected, 1e-12))
    ppmi = np.where(co > 0, np.maximum(ppmi, 0.0), 0.0)
    u, s, _ = np.linalg.svd(ppmi)
    vectors = u[:, :DIM] * np.sqrt(s[:DIM])
    return vectors / vectors[co.sum(1) > 0].std()


def adverts(rng, n, habits, jargon):
    y = rng.integers(TRADES, size=n)
    x = np.zeros((n, LENGTH), dtype=np.int64)
    for i, trade in enumerate(y):
        words = rng.integers(10, LENGTH + 1)
        special = max(2, rng.binomial(words, 0.3))
        x[i, :special] = rng.choice(DOMAIN, special, p=jargon[trade]) + 1 + GENERAL
        x[i, special:words] = rng.choice(GENERAL, words - special, p=habits[trade]) + 1
        rng.shuffle(x[i, :words])
    return torch.from_numpy(x), torch.from_numpy(y)


class AdvertSorter(nn.Module):
    def __init__(self, vectors):
        super().__init__()
        self.words = nn.Embedding.from_pretrained(vectors, padding_idx=PAD)  # FAULT
        # TWIN: self.words = nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=PAD)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(vectors.shape[1], TRADES)

    def forward(self, ids):
        mask = (ids != PAD).unsqueeze(-1).float()
        mean = (self.words(ids) * mask).sum(1) / mask.sum(1)
        return self.out(self.drop(mean))


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        pred = model(x).argmax(1)
    model.train()
    return f1_score(y, pred, average="macro")


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)

    vectors = torch.tensor(word_vectors(general_corpus(rng)), dtype=torch.float32)

    base = rng.dirichlet(np.full(GENERAL, 0.5))
    habits = 0.85 * base + 0.15 * rng.dirichlet(np.full(GENERAL, 0.3), size=TRADES)
    jargon = rng.dirichlet(np.full(DOMAIN, 0.15), size=TRADES)
    x_train, y_train = adverts(rng, 4000, habits, jargon)
    x_val, y_val = adverts(rng, 1000, habits, jargon)
    x_test, y_test = adverts(rng, 1000, habits, jargon)

    model = AdvertSorter(vectors)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=5e-3)
    criterion = nn.CrossEntropyLoss()

    for epoch in range(1, 9):
        running = 0.0
        for ids, trade in loader:
            optimizer.zero_grad()
            loss = criterion(model(ids), trade)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(trade)
        print(f"epoch {epoch}  loss {running / len(x_train):.4f}  val macro-F1 {evaluate(model, x_val, y_val):.3f}")

    print(f"score: {evaluate(model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
