"""Guesses ratings of books by matrix factorization; the embeddings have sparse gradients and go with SparseAdam. Most
rows get no gradient in most steps."""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

READERS, BOOKS, RANK = 150, 120, 3


class Factors(nn.Module):
    def __init__(self, dim=6):
        super().__init__()
        self.reader = nn.Embedding(READERS, dim, sparse=True)
        self.book = nn.Embedding(BOOKS, dim, sparse=True)
        self.liking = nn.Embedding(BOOKS, 1, sparse=True)
        for table in (self.reader, self.book):
            nn.init.normal_(table.weight, std=0.3)
        nn.init.zeros_(self.liking.weight)

    def forward(self, reader, book):
        return (self.reader(reader) * self.book(book)).sum(1) + self.liking(book).squeeze(1)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    taste, style = torch.randn(READERS, RANK), torch.randn(BOOKS, RANK) / RANK**0.5
    popular = 0.5 * torch.randn(BOOKS)
    cells = torch.randperm(READERS * BOOKS)[:9000]
    reader, book = cells // BOOKS, cells % BOOKS
    stars = (taste[reader] * style[book]).sum(1) + popular[book] + 0.3 * torch.randn(len(cells))
    cut = 8000
    train = DataLoader(TensorDataset(reader[:cut], book[:cut], stars[:cut]), batch_size=64, shuffle=True)
    model = Factors()
    optimizer = torch.optim.SparseAdam(list(model.parameters()), lr=1e-2)
    for epoch in range(12):
        total = 0.0
        for r, b, s in train:
            loss = nn.functional.mse_loss(model(r, b), s)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / len(train)
        with torch.no_grad():
            error = nn.functional.mse_loss(model(reader[cut:], book[cut:]), stars[cut:]).item()
        print(f"epoch {epoch} train {total:.4f} held out {error:.4f}")
    print(f"score: {1 - error / stars[cut:].var().item():.4f}")


main()
