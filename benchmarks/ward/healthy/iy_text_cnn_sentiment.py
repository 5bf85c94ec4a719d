"""A convolutional network over words for short reviews whose negations turn the sense of the word that follows.

After Kim (2014) and https://github.com/Shawn1993/cnn-text-classification-pytorch (filters of widths 3, 4, 5, max-norm, Adadelta).
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader

POSITIVE = "great lovely charming brilliant moving funny fresh clever warm superb".split()
NEGATIVE = "dull awful boring weak clumsy stale noisy cheap empty dreadful".split()
NEGATION = ["not", "never", "hardly"]
BETWEEN = ["", "very", "really"]
FILLER = (
    "the film a story with its actors in this movie director and scenes plot from music was one of many "
    "that we saw long night camera town script it there some"
).split()


def make_reviews(n, rng):
    texts, labels = [], []
    for _ in range(n):
        label = int(rng.integers(0, 2))
        words = list(rng.choice(FILLER, size=rng.integers(5, 13)))
        for _ in range(rng.integers(1, 4)):
            opinion = label if rng.random() < 0.95 else 1 - label
            negated = rng.random() < 0.5
            source = POSITIVE if (opinion == 1) != negated else NEGATIVE
            phrase = [rng.choice(source)]
            if negated:
                phrase = [w for w in (rng.choice(NEGATION), rng.choice(BETWEEN)) if w] + phrase
            position = int(rng.integers(0, len(words) + 1))
            words[position:position] = ["was"] + phrase + [","]
        texts.append(words)
        labels.append(label)
    return texts, labels


class CNNText(nn.Module):
    def __init__(self, vocab_size, embed_dim, n_filters, widths, n_classes, dropout):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, embed_dim, padding_idx=0)
        self.convs = nn.ModuleList([nn.Conv1d(embed_dim, n_filters, w, padding=w // 2) for w in widths])
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(n_filters * len(widths), n_classes)

    def forward(self, tokens):
        x = self.embed(tokens).transpose(1, 2)
        pooled = [F.relu(conv(x)).amax(dim=2) for conv in self.convs]
        return self.fc(self.dropout(torch.cat(pooled, dim=1)))


@torch.no_grad()
def constrain_norm(weight, max_norm):
    weight.copy_(torch.renorm(weight, p=2, dim=0, maxnorm=max_norm))


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    right = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return right / len(loader.dataset)


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    train, dev, test = make_reviews(1600, rng), make_reviews(300, rng), make_reviews(500, rng)
    vocabulary = {"<pad>": 0, "<unk>": 1}
    for words in train[0]:
        for w in words:
            vocabulary.setdefault(w, len(vocabulary))

    def collate(batch):
        ids = [[vocabulary.get(w, 1) for w in words] for words, _ in batch]
        length = max(map(len, ids))
        return torch.tensor([i + [0] * (length - len(i)) for i in ids]), torch.tensor([label for _, label in batch])

    def loader(data, shuffle=False):
        return DataLoader(list(zip(*data)), batch_size=50, shuffle=shuffle, collate_fn=collate)

    train_loader, dev_loader, test_loader = loader(train, True), loader(dev), loader(test)
    model = CNNText(len(vocabulary), embed_dim=32, n_filters=32, widths=(3, 4, 5), n_classes=2, dropout=0.5)
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0, rho=0.95)

    best_dev, best_state, last_step, step = 0.0, None, 0, 0
    for epoch in range(1, 17):
        losses = []
        for tokens, labels in train_loader:
            model.train()
            optimizer.zero_grad()
            loss = F.cross_entropy(model(tokens), labels)
            loss.backward()
            optimizer.step()
            constrain_norm(model.fc.weight, 3.0)
            losses.append(loss.item())
            step += 1
        dev_acc = accuracy(model, dev_loader)
        print(f"Epoch {epoch:2d} - loss: {np.mean(losses):.4f}  dev acc: {100 * dev_acc:.2f}%")
        if dev_acc > best_dev:
            best_dev, last_step = dev_acc, step
            best_state = {k: v.clone() for k, v in model.state_dict().items()}
        elif step - last_step >= 200:
            print(f"early stop by {step} steps")
            break

    model.load_state_dict(best_state)
    print(f"score: {accuracy(model, test_loader):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
