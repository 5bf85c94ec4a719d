"""Topic classification of made-up short texts with EmbeddingBag, as in the PyTorch text tutorial (SGD, clipping)."""

import random
import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)

TOPICS = {
    "sport": "goal match team coach league win score player season ball".split(),
    "money": "bank stock market price trade profit share fund rate bond".split(),
    "food": "bread soup oven salt recipe dinner spice cook sauce plate".split(),
}
COMMON = "the a of and in to was for on with new good old first one day".split()
vocab = {w: i for i, w in enumerate(COMMON + [w for words in TOPICS.values() for w in words])}


def sentence():
    label = random.randrange(3)
    name = list(TOPICS)[label]
    words = random.choices(COMMON, k=random.randint(5, 10)) + random.choices(TOPICS[name], k=random.randint(1, 4))
    if random.random() < 0.3:
        words.append(random.choice(TOPICS[random.choice(list(TOPICS))]))
    random.shuffle(words)
    return [vocab[w] for w in words], label


class TextClassifier(nn.Module):
    def __init__(self, vocab_size, dim, classes):
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocab_size, dim, mode="mean")
        self.fc = nn.Linear(dim, classes)

    def forward(self, text, offsets):
        return self.fc(self.embedding(text, offsets))


def collate(batch):
    texts, labels = zip(*batch)
    offsets = torch.tensor([0] + [len(t) for t in texts[:-1]]).cumsum(0)
    return torch.tensor([w for t in texts for w in t]), offsets, torch.tensor(labels)


corpus = [sentence() for _ in range(1500)]
train, test = corpus[:1200], corpus[1200:]
model = TextClassifier(len(vocab), 16, 3)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=2.0)

for epoch in range(1, 13):
    random.shuffle(train)
    model.train()
    seen = correct = 0
    for i in range(0, len(train), 16):
        text, offsets, label = collate(train[i : i + 16])
        optimizer.zero_grad()
        output = model(text, offsets)
        loss = criterion(output, label)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        correct += (output.argmax(1) == label).sum().item()
        seen += len(label)
    print(f"| epoch {epoch:2d} | accuracy {correct / seen:.3f}")

model.eval()
with torch.no_grad():
    text, offsets, label = collate(test)
    acc = (model(text, offsets).argmax(1) == label).float().mean().item()
print(f"score: {acc:.4f}")
