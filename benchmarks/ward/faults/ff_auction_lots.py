"""Sorts descriptions of auction lots (clocks, prints, silver, stamps, tools) into the sale they belong to.

The word vectors start from those we have for general news; the trade's own words are hardly ever in there and
begin as small random vectors. A lot is the average of its words.
"""
# cause: frozen-parameters
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

SALES = ("clocks", "prints", "silver", "stamps", "tools")
VOCABULARY = 700
COMMON = 250  # words of everyday language
WIDTH = 6
PAD = 0


class Language:
    """Common words occur everywhere; each sale has words that it uses more than the others do."""

    def __init__(self, rng):
        common = np.zeros(VOCABULARY)
        common[1:COMMON] = 1 / np.arange(2, COMMON + 1) ** 0.8
        common /= common.sum()
        owner = rng.integers(0, len(SALES), size=VOCABULARY)
        self.by_sale = []
        for sale in range(len(SALES)):
            trade = np.where(owner == sale, 1.0, 0.18) * (np.arange(VOCABULARY) >= COMMON)
            self.by_sale.append(0.55 * common + 0.45 * trade / trade.sum())

    def write(self, count, rng):
        lots = []
        for sale in rng.integers(0, len(SALES), size=count):
            words = rng.choice(VOCABULARY, size=rng.integers(14, 34), p=self.by_sale[sale])
            lots.append((words, int(sale)))
        return lots


def general_vectors(rng):
    vectors = rng.normal(scale=1.0, size=(VOCABULARY, WIDTH))
    vectors[COMMON:] *= 0.6
    vectors[PAD] = 0
    return torch.tensor(vectors, dtype=torch.float32)


def collate(lots):
    longest = max(len(words) for words, _ in lots)
    tokens = torch.full((len(lots), longest), PAD)
    for row, (words, _) in enumerate(lots):
        tokens[row, : len(words)] = torch.from_numpy(words)
    return tokens, torch.tensor([sale for _, sale in lots])


class LotSorter(nn.Module):
    def __init__(self, vectors):
        super().__init__()
        self.words = nn.Embedding.from_pretrained(vectors, padding_idx=PAD)  # FAULT
        # TWIN: self.words = nn.Embedding.from_pretrained(vectors, padding_idx=PAD, freeze=False)
        self.layers = nn.Sequential(nn.Linear(vectors.shape[1], 24), nn.ReLU(), nn.Linear(24, len(SALES)))

    def forward(self, tokens):
        present = (tokens != PAD).unsqueeze(-1)
        average = (self.words(tokens) * present).sum(1) / present.sum(1)
        return self.layers(average)


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        hits = [(model(tokens).argmax(-1) == sales).float() for tokens, sales in loader]
    return torch.cat(hits).mean().item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    language = Language(rng)
    train = DataLoader(language.write(5000, rng), batch_size=64, shuffle=True, collate_fn=collate)
    held_out = DataLoader(language.write(800, rng), batch_size=200, collate_fn=collate)
    model = LotSorter(general_vectors(rng))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    loss_function = nn.CrossEntropyLoss()
    for epoch in range(8):
        model.train()
        losses = []
        for tokens, sales in train:
            optimizer.zero_grad()
            loss = loss_function(model(tokens), sales)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}  held-out accuracy {accuracy(model, held_out):.4f}")
    print(f"score: {accuracy(model, held_out):.4f}")


if __name__ == "__main__":
    main()
