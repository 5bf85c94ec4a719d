"""Does the subject stand before the verb? A small transformer encoder with learned positions reads sentences of made-up
words, ten to a sentence."""
# cause: unregistered-parameters
# kind: dynamic

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

WORDS, LENGTH = 30, 10
SUBJECT, VERB = 0, 1


def sentences(n):
    words = torch.randint(2, WORDS, (n, LENGTH))
    places = torch.rand(n, LENGTH).argsort(1)[:, :2]
    words.scatter_(1, places[:, :1], SUBJECT)
    words.scatter_(1, places[:, 1:], VERB)
    return words, (places[:, 0] < places[:, 1]).long()


class Reader(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.words = nn.Embedding(WORDS, dim)
        self.places = torch.zeros(1, LENGTH, dim, requires_grad=True)  # FAULT
        # TWIN: self.places = nn.Parameter(0.02 * torch.randn(1, LENGTH, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, dim_feedforward=64, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 2))

    def forward(self, words):
        x = self.words(words) + self.places
        return self.head(self.encoder(x).mean(dim=1))


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return right / len(loader.dataset)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    train = DataLoader(TensorDataset(*sentences(3000)), batch_size=64, shuffle=True)
    test = DataLoader(TensorDataset(*sentences(500)), batch_size=250)
    model = Reader()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=7 * len(train))
    criterion = nn.CrossEntropyLoss()
    for epoch in range(7):
        model.train()
        total = 0.0
        for x, y in train:
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            total += loss.item()
        print(f"epoch {epoch} loss {total / len(train):.4f} accuracy {accuracy(model, test):.4f}")
    print(f"score: {accuracy(model, test):.4f}")
