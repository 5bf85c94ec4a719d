"""Tiny transformer encoder that sorts short token sequences into five topics; trained from scratch.

Fault: AdamW runs with lr=0.1, the value the author used with SGD before changing the optimizer.
"""
# cause: learning-rate-too-high
# kind: dynamic

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

VOCAB, LENGTH, TOPICS = 60, 14, 5


class PhraseEncoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.tokens = nn.Embedding(VOCAB, dim)
        self.positions = nn.Parameter(0.02 * torch.randn(1, LENGTH, dim))
        layer = nn.TransformerEncoderLayer(dim, nhead=4, dim_feedforward=64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.classifier = nn.Linear(dim, TOPICS)

    def forward(self, ids):
        h = self.encoder(self.tokens(ids) + self.positions)
        return self.classifier(h.mean(dim=1))


def sample_phrases(n, topic_words, gen):
    topic = torch.randint(TOPICS, (n,), generator=gen)
    ids = torch.multinomial(topic_words[topic], LENGTH, replacement=True, generator=gen)
    return TensorDataset(ids, topic)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed + 100)
    topic_words = torch.softmax(1.2 * torch.randn(TOPICS, VOCAB, generator=gen), dim=1)
    train_loader = DataLoader(sample_phrases(1600, topic_words, gen), batch_size=64, shuffle=True)
    val_loader = DataLoader(sample_phrases(500, topic_words, gen), batch_size=250)

    model = PhraseEncoder()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)  # FAULT
    # TWIN: optimizer = torch.optim.AdamW(model.parameters(), lr=0.001)

    for epoch in range(6):
        model.train()
        running = 0.0
        for ids, topic in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(ids), topic)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(ids)
        model.eval()
        val_loss, hits = 0.0, 0
        with torch.no_grad():
            for ids, topic in val_loader:
                logits = model(ids)
                val_loss += criterion(logits, topic).item() * len(ids)
                hits += (logits.argmax(1) == topic).sum().item()
        print(f"epoch {epoch + 1}: train {running / 1600:.4f} | val {val_loss / 500:.4f} | val acc {hits / 500:.3f}")
    print(f"score: {hits / 500:.4f}")


if __name__ == "__main__":
    main()
