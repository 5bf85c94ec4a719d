"""Sort invented product titles into shop categories: word ids, padded batches, averaged embeddings, a linear layer."""

import random
import sys

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)

CATEGORIES = {
    "kitchen": ["pan", "kettle", "spoon", "grill", "oven", "mug", "plate", "whisk", "steel", "nonstick"],
    "garden": ["hose", "rake", "seed", "soil", "pot", "shovel", "lawn", "plant", "steel", "outdoor"],
    "toys": ["doll", "puzzle", "blocks", "robot", "car", "kite", "plush", "game", "mini", "kids"],
    "audio": ["speaker", "headphones", "cable", "amp", "vinyl", "mic", "wireless", "bass", "mini", "stereo"],
    "clothes": ["shirt", "jacket", "socks", "scarf", "cotton", "wool", "hat", "slim", "outdoor", "kids"],
}
FILLER = ["new", "large", "small", "set", "of", "for", "the", "with", "pack", "pro", "red", "blue", "sale", "best"]
names = list(CATEGORIES)


def make_title():
    label = random.randrange(len(names))
    words = random.choices(FILLER, k=random.randint(2, 6)) + random.choices(CATEGORIES[names[label]], k=2)
    if random.random() < 0.3:
        words.append(random.choice(CATEGORIES[random.choice(names)]))
    random.shuffle(words)
    return words, label


titles = [make_title() for _ in range(2500)]
train, test = titles[:2000], titles[2000:]
vocab = {"<pad>": 0, "<unk>": 1}
for words, _ in train:
    for w in words:
        vocab.setdefault(w, len(vocab))


def collate(batch):
    ids = [torch.tensor([vocab.get(w, 1) for w in words]) for words, _ in batch]
    return pad_sequence(ids, batch_first=True, padding_value=0), torch.tensor([label for _, label in batch])


class TitleClassifier(nn.Module):
    def __init__(self, vocab_size, dim, n_classes):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, dim, padding_idx=0)
        self.dropout = nn.Dropout(0.2)
        self.out = nn.Linear(dim, n_classes)

    def forward(self, ids):
        mask = (ids != 0).unsqueeze(-1).float()
        mean = (self.embedding(ids) * mask).sum(1) / mask.sum(1)
        return self.out(self.dropout(mean))


train_dl = DataLoader(train, batch_size=32, shuffle=True, collate_fn=collate)
test_dl = DataLoader(test, batch_size=100, collate_fn=collate)
model = TitleClassifier(len(vocab), 24, len(names))
loss_fn = nn.CrossEntropyLoss()
optim = torch.optim.Adam(model.parameters(), lr=0.01)


def accuracy():
    model.eval()
    hits = 0
    with torch.no_grad():
        for ids, label in test_dl:
            hits += model(ids).argmax(dim=1).eq(label).sum().item()
    return hits / len(test)


for epoch in range(1, 11):
    model.train()
    for ids, label in train_dl:
        loss = loss_fn(model(ids), label)
        optim.zero_grad()
        loss.backward()
        optim.step()
    acc = accuracy()
    print(f"epoch {epoch:2d} | last batch loss {loss.item():.3f} | test accuracy {acc:.3f}")
print(f"score: {acc:.4f}")
