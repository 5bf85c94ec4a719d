"""Topic classification of short headlines with an EmbeddingBag over words and bigrams.

After the torchtext tutorial, https://pytorch.org/tutorials/beginner/text_sentiment_ngrams_tutorial.html
"""

import random
import sys
from collections import Counter

import torch
import torch.nn as nn
from torch.utils.data import DataLoader

CLASSES = ["world", "sports", "business", "scitech"]


def make_corpus(n, rng):
    """Headlines: a mixture of topic words and common words, with a power law over both."""
    common = [f"w{i}" for i in range(300)]
    common_p = [1 / (i + 3) for i in range(300)]
    topics = [[f"{c}{i}" for i in range(120)] for c in CLASSES]
    topic_p = [1 / (i + 5) for i in range(120)]
    corpus = []
    for _ in range(n):
        label = rng.randrange(4)
        words = []
        for _ in range(rng.randint(7, 20)):
            u = rng.random()
            if u < 0.22:
                words += rng.choices(topics[label], topic_p)
            elif u < 0.32:  # a word of any topic: headlines mention other things
                words += rng.choices(rng.choice(topics), topic_p)
            else:
                words += rng.choices(common, common_p)
        corpus.append((label, " ".join(words)))
    return corpus


def ngrams(text):
    words = text.split()
    return words + [a + "_" + b for a, b in zip(words, words[1:])]


class Vocab:
    def __init__(self, texts, min_freq=3):
        counts = Counter(g for t in texts for g in ngrams(t))
        self.stoi = {"<unk>": 0}
        for gram, c in counts.most_common():
            if c >= min_freq:
                self.stoi[gram] = len(self.stoi)

    def __len__(self):
        return len(self.stoi)

    def __call__(self, text):
        return [self.stoi.get(g, 0) for g in ngrams(text)]


class TextClassificationModel(nn.Module):
    def __init__(self, vocab_size, embed_dim, num_class):
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocab_size, embed_dim, sparse=False)
        self.fc = nn.Linear(embed_dim, num_class)
        nn.init.uniform_(self.embedding.weight, -0.05, 0.05)
        nn.init.xavier_uniform_(self.fc.weight)
        nn.init.zeros_(self.fc.bias)

    def forward(self, text, offsets):
        return self.fc(self.embedding(text, offsets))


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = random.Random(seed)
    corpus = make_corpus(5000, rng)
    train_set, valid_set, test_set = corpus[:3600], corpus[3600:4200], corpus[4200:]
    vocab = Vocab([t for _, t in train_set])

    def collate(batch):
        labels = torch.tensor([l for l, _ in batch])
        ids = [torch.tensor(vocab(t)) for _, t in batch]
        offsets = torch.tensor([0] + [len(i) for i in ids[:-1]]).cumsum(0)
        return labels, torch.cat(ids), offsets

    gen = torch.Generator().manual_seed(seed)
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True, collate_fn=collate, generator=gen)
    valid_loader = DataLoader(valid_set, batch_size=64, collate_fn=collate)
    test_loader = DataLoader(test_set, batch_size=64, collate_fn=collate)

    model = TextClassificationModel(len(vocab), 48, len(CLASSES))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.05)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.3)

    def evaluate(loader):
        model.eval()
        hits = total = 0
        with torch.no_grad():
            for label, text, offsets in loader:
                hits += (model(text, offsets).argmax(1) == label).sum().item()
                total += len(label)
        return hits / total

    best = 0.0
    for epoch in range(1, 8):
        model.train()
        hits = total = 0
        for label, text, offsets in train_loader:
            optimizer.zero_grad()
            predicted = model(text, offsets)
            loss = criterion(predicted, label)
            loss.backward()
            optimizer.step()
            hits += (predicted.argmax(1) == label).sum().item()
            total += len(label)
        accuracy = evaluate(valid_loader)
        if accuracy < best:
            scheduler.step()
        best = max(best, accuracy)
        print(f"| epoch {epoch} | train acc {hits / total:.3f} | valid acc {accuracy:.3f}")
    print(f"score: {evaluate(test_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
