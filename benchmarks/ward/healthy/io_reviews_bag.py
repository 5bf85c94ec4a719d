"""Sentiment of short product reviews: a vocabulary built from the training texts, EmbeddingBag with offsets made in the
collate function, a linear head; SGD with step decay as in the torchtext tutorial. Score: test accuracy.
"""

import random
import sys
from collections import Counter

import torch
from torch import nn
from torch.utils.data import DataLoader

torch.set_num_threads(1)
GOOD = "great lovely sturdy perfect excellent fast quiet bright comfortable reliable superb smooth".split()
BAD = "broken awful flimsy slow noisy cheap faulty useless uncomfortable late terrible leaking".split()
THINGS = "kettle lamp chair phone case cable shirt blender mouse bag watch speaker".split()
FILL = "the a this it was is my and with after for one week really quite arrived bought product would again".split()


def review(rng):
    label = rng.randrange(2)
    words = [rng.choice(THINGS)]
    for _ in range(rng.randint(3, 6)):
        same = rng.random() < 0.82
        words.append(rng.choice(GOOD if (label == 1) == same else BAD))
    words += rng.choices(FILL, k=rng.randint(5, 15)) + rng.choices(THINGS, k=rng.randint(0, 2))
    rng.shuffle(words)
    return label, " ".join(words)


class TextClassifier(nn.Module):
    def __init__(self, vocab_size, dim, classes):
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocab_size, dim, mode="mean")
        self.fc = nn.Linear(dim, classes)

    def forward(self, text, offsets):
        return self.fc(self.embedding(text, offsets))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = random.Random(seed)
    data = [review(rng) for _ in range(4600)]
    train, valid, test = data[:3000], data[3000:3600], data[3600:]
    counts = Counter(w for _, text in train for w in text.split())
    vocab = {w: i + 1 for i, (w, _) in enumerate(counts.most_common())}

    def collate(batch):
        labels = torch.tensor([label for label, _ in batch])
        ids = [torch.tensor([vocab.get(w, 0) for w in text.split()]) for _, text in batch]
        offsets = torch.tensor([0] + [len(i) for i in ids[:-1]]).cumsum(0)
        return labels, torch.cat(ids), offsets

    train_loader = DataLoader(train, batch_size=16, shuffle=True, collate_fn=collate)
    valid_loader = DataLoader(valid, batch_size=64, collate_fn=collate)
    test_loader = DataLoader(test, batch_size=64, collate_fn=collate)
    model = TextClassifier(len(vocab) + 1, 32, 2)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=2.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3, gamma=0.3)

    def evaluate(loader):
        model.eval()
        right, total, loss = 0, 0, 0.0
        with torch.no_grad():
            for label, text, offsets in loader:
                out = model(text, offsets)
                loss += criterion(out, label).item() * len(label)
                right += (out.argmax(1) == label).sum().item()
                total += len(label)
        return right / total, loss / total

    for epoch in range(1, 9):
        model.train()
        total = 0.0
        for label, text, offsets in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(text, offsets), label)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            total += loss.item()
        scheduler.step()
        acc, val_loss = evaluate(valid_loader)
        print(
            f"| epoch {epoch} | train loss {total / len(train_loader):.4f} | valid loss {val_loss:.4f} | acc {acc:.4f}"
        )
    print(f"score: {evaluate(test_loader)[0]:.4f}")


if __name__ == "__main__":
    main()
