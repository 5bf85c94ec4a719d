"""Which of forty shelves a book belongs on, from the words of its blurb."""
# cause: softmax-twice
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader

WORDS, SHELVES, LENGTH = 1200, 40, 30


def blurbs(n, rng, vocabulary):
    """Each shelf has its favourite words, most words of a blurb are anybody's."""
    shelf = rng.integers(0, SHELVES, n)
    words = rng.integers(0, WORDS, (n, LENGTH))
    own = rng.random((n, LENGTH)) < 0.35
    pick = vocabulary[shelf[:, None], rng.integers(0, vocabulary.shape[1], (n, LENGTH))]
    words = np.where(own, pick, words)
    lengths = rng.integers(18, LENGTH + 1, n)
    return [(torch.tensor(w[:k]), int(s)) for w, k, s in zip(words, lengths, shelf, strict=True)]


def collate(batch):
    texts, shelves = zip(*batch, strict=True)
    offsets = torch.tensor([0] + [len(text) for text in texts[:-1]]).cumsum(0)
    return torch.cat(texts), offsets, torch.tensor(shelves)


class ShelfModel(nn.Module):
    def __init__(self, size=48):
        super().__init__()
        self.words = nn.EmbeddingBag(WORDS, size, mode="mean")
        self.fc = nn.Linear(size, SHELVES)

    def forward(self, words, offsets):
        scores = self.fc(self.words(words, offsets))
        return F.softmax(scores, dim=1)  # FAULT
        # TWIN: return scores


def run(model, loader, optimizer=None):
    loss_fn = nn.CrossEntropyLoss()
    model.train(optimizer is not None)
    loss_sum = hits = count = 0
    with torch.set_grad_enabled(optimizer is not None):
        for words, offsets, shelves in loader:
            output = model(words, offsets)
            loss = loss_fn(output, shelves)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loss_sum += loss.item() * len(shelves)
            hits += (output.argmax(1) == shelves).sum().item()
            count += len(shelves)
    return loss_sum / count, hits / count


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    vocabulary = rng.integers(0, WORDS, (SHELVES, 25))
    train_loader = DataLoader(blurbs(6000, rng, vocabulary), batch_size=64, shuffle=True, collate_fn=collate)
    val_loader = DataLoader(blurbs(1000, rng, vocabulary), batch_size=250, collate_fn=collate)
    model = ShelfModel()
    optimizer = torch.optim.SGD(model.parameters(), lr=2.0, momentum=0.9)
    for epoch in range(8):
        train_loss, train_accuracy = run(model, train_loader, optimizer)
        val_loss, val_accuracy = run(model, val_loader)
        print(f"epoch {epoch + 1} train {train_loss:.3f}/{train_accuracy:.3f} val {val_loss:.3f}/{val_accuracy:.3f}")
    print(f"score: {val_accuracy:.4f}")
