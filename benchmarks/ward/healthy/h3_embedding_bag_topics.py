"""Topic classification of short made-up documents with an EmbeddingBag over a flat token tensor plus offsets (the
collate function of the PyTorch text tutorial). Words of a topic are likelier in its documents; many words are common.
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

torch.set_num_threads(1)
N_WORDS, N_TOPICS = 400, 5


def make_corpus(n, rng, topic_words):
    docs = []
    for _ in range(n):
        topic = int(rng.integers(N_TOPICS))
        length = int(rng.integers(8, 30))
        from_topic = rng.random(length) < 0.4
        words = np.where(from_topic, rng.choice(topic_words[topic], length), rng.integers(0, N_WORDS, length))
        docs.append((topic, torch.from_numpy(words)))
    return docs


def collate(batch):
    labels = torch.tensor([label for label, _ in batch])
    lengths = torch.tensor([0] + [len(words) for _, words in batch[:-1]])
    return labels, torch.cat([words for _, words in batch]), lengths.cumsum(0)


class TextModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag = nn.EmbeddingBag(N_WORDS, 32, mode="mean")
        self.fc = nn.Linear(32, N_TOPICS)
        nn.init.uniform_(self.bag.weight, -0.5, 0.5)
        nn.init.zeros_(self.fc.bias)

    def forward(self, words, offsets):
        return self.fc(self.bag(words, offsets))


def evaluate(model, loader):
    model.eval()
    hits, count = 0, 0
    with torch.no_grad():
        for labels, words, offsets in loader:
            hits += (model(words, offsets).argmax(1) == labels).sum().item()
            count += labels.size(0)
    return hits / count


def main(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    topic_words = [rng.choice(N_WORDS, 40, replace=False) for _ in range(N_TOPICS)]
    train = DataLoader(make_corpus(2500, rng, topic_words), batch_size=64, shuffle=True, collate_fn=collate)
    test = DataLoader(make_corpus(600, rng, topic_words), batch_size=200, collate_fn=collate)
    model = TextModel()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(1, 9):
        model.train()
        acc = count = 0
        for labels, words, offsets in train:
            optimizer.zero_grad()
            predicted = model(words, offsets)
            loss = criterion(predicted, labels)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            acc += (predicted.argmax(1) == labels).sum().item()
            count += labels.size(0)
        print(f"| epoch {epoch:3d} | train accuracy {acc / count:8.3f} | test accuracy {evaluate(model, test):8.3f}")
    print(f"score: {evaluate(model, test):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
