"""Tags of person, place and organisation in made-up sentences: word and letter-shape embeddings, a packed BiLSTM, words
dropped to <unk> at random in training, padded tags ignored, Adam. Score: F1 of the entity tokens on test sentences.
"""

import random
import sys

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
TAGS = ["O", "PER", "LOC", "ORG"]
PARTS = "ba lo mi ren tas vel dor ik an sum pre gal".split()
FILLERS = "yesterday quickly again often today maybe finally here".split()


def names(rng, n):
    return ["".join(rng.choices(PARTS, k=rng.randint(2, 3))).capitalize() for _ in range(n)]


def w(text):
    return [(t, 0) for t in text.split()]


class Sentences(Dataset):
    def __init__(self, n, rng, people, places, firms):
        self.items = []
        for _ in range(n):
            p, q = [(rng.choice(people), 1)], [(rng.choice(people), 1)]
            l, f = [(rng.choice(places), 2)], [(rng.choice(firms), 3)]
            if rng.random() < 0.5:
                f.append((rng.choice(["Ltd", "Group", "Bank"]), 3))
            item = rng.choice(
                [
                    p + w("moved to") + l,
                    p + w("works for") + f + w("in") + l,
                    f + w("hired") + p + w("and") + q,
                    w("the office of") + f + w("is in") + l,
                    p + w("met") + q + w("near") + l,
                    f + w("was bought by") + [(rng.choice(firms), 3)],
                    w("in") + l + p + w("told") + q + w("about") + f,
                ]
            )
            for _ in range(rng.randint(0, 3)):
                item = item + w(rng.choice(FILLERS)) if rng.random() < 0.5 else w(rng.choice(FILLERS)) + item
            self.items.append(item)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class Tagger(nn.Module):
    def __init__(self, words, h=32):
        super().__init__()
        self.word, self.shape = nn.Embedding(words, 32, padding_idx=0), nn.Embedding(3, 4, padding_idx=0)
        self.lstm = nn.LSTM(36, h, batch_first=True, bidirectional=True)
        self.dropout, self.out = nn.Dropout(0.3), nn.Linear(2 * h, len(TAGS))

    def forward(self, words, shapes, lengths):
        if self.training:
            words = torch.where((torch.rand(words.shape) < 0.15) & (words > 0), 1, words)
        x = self.dropout(torch.cat([self.word(words), self.shape(shapes)], 2))
        packed, _ = self.lstm(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
        return self.out(self.dropout(pad_packed_sequence(packed, batch_first=True)[0]))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = random.Random(seed)
    lists = [names(rng, 60) for _ in range(3)]
    train, val, test = (Sentences(n, rng, *lists) for n in (1800, 300, 600))
    vocab = {"<pad>": 0, "<unk>": 1}
    for item in train.items:
        for word, _ in item:
            vocab.setdefault(word, len(vocab))

    def collate(batch):
        words = pad_sequence([torch.tensor([vocab.get(w, 1) for w, _ in s]) for s in batch], batch_first=True)
        shapes = pad_sequence([torch.tensor([1 + w[0].isupper() for w, _ in s]) for s in batch], batch_first=True)
        tags = pad_sequence([torch.tensor([t for _, t in s]) for s in batch], batch_first=True, padding_value=-1)
        return words, shapes, torch.tensor([len(s) for s in batch]), tags

    loaders = [DataLoader(d, 32, shuffle=d is train, collate_fn=collate) for d in (train, val, test)]
    model, criterion = Tagger(len(vocab)), nn.CrossEntropyLoss(ignore_index=-1)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    @torch.no_grad()
    def evaluate(loader):
        model.eval()
        losses, hit, said, there = [], 0, 0, 0
        for words, shapes, lengths, tags in loader:
            out = model(words, shapes, lengths)
            losses.append(criterion(out.flatten(0, 1), tags.flatten()).item())
            guess = out.argmax(2).where(tags >= 0, 0)
            hit += ((guess == tags) & (tags > 0)).sum().item()
            said, there = said + (guess > 0).sum().item(), there + (tags > 0).sum().item()
        return sum(losses) / len(losses), 2 * hit / (said + there)

    for epoch in range(1, 9):
        model.train()
        total = 0.0
        for words, shapes, lengths, tags in loaders[0]:
            loss = criterion(model(words, shapes, lengths).flatten(0, 1), tags.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        val_loss, f1 = evaluate(loaders[1])
        print(f"epoch {epoch}: train {total / len(loaders[0]):.4f} val {val_loss:.4f} f1 {f1:.4f}")
    print(f"score: {evaluate(loaders[2])[1]:.4f}")


if __name__ == "__main__":
    main()
