"""Which books a reader will like. Vectors of readers and books have sparse gradients and their own SparseAdam, the
small network above them has AdamW."""

import sys

import torch
from torch import nn


class Taste(nn.Module):
    def __init__(self, readers, books, dim=4):
        super().__init__()
        self.reader = nn.Embedding(readers, dim, sparse=True)
        self.book = nn.Embedding(books, dim, sparse=True)
        nn.init.normal_(self.reader.weight, std=0.3)
        nn.init.normal_(self.book.weight, std=0.3)
        self.judge = nn.Sequential(nn.Linear(dim, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, reader, book):
        return self.judge(self.reader(reader) * self.book(book)).squeeze(1)


def loans(n, reader_taste, book_style):
    reader = torch.randint(0, len(reader_taste), (n,))
    book = torch.randint(0, len(book_style), (n,))
    liking = (reader_taste[reader] * book_style[book]).sum(1)
    return reader, book, (torch.rand(n) < torch.sigmoid(3 * liking)).float()


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    tastes = torch.randn(200, 3), torch.randn(150, 3)
    reader, book, liked = loans(20000, *tastes)
    reader_val, book_val, liked_val = loans(2000, *tastes)
    model = Taste(200, 150)
    vectors = [model.reader.weight, model.book.weight]
    optimizers = [
        torch.optim.SparseAdam(vectors, lr=1e-2),
        torch.optim.AdamW(model.judge.parameters(), lr=4e-3, weight_decay=0.01),
    ]
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(8):
        total = 0.0
        for idx in torch.randperm(len(reader)).split(100):
            loss = criterion(model(reader[idx], book[idx]), liked[idx])
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
            total += loss.item() * len(idx)
        with torch.no_grad():
            out = model(reader_val, book_val)
        accuracy = ((out > 0) == (liked_val > 0.5)).float().mean().item()
        print(f"epoch {epoch} loss {total / len(reader):.4f} val {criterion(out, liked_val).item():.4f} {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")
