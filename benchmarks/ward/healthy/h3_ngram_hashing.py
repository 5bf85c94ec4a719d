"""Which of four invented languages a word belongs to, from hashed character trigrams (crc32 into 512 buckets, counts,
linear classifier). Each language strings its own syllables together.
"""

import random
import sys
import zlib

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)

BUCKETS = 512
CONSONANTS = ["kptsmnhl", "bdgrvzmn", "wyfthsln", "qxrktjzs"]
VOWELS = ["aiu", "eoa", "aeio", "uie"]


def make_word(language):
    word = ""
    for _ in range(random.randint(2, 4)):
        word += random.choice(CONSONANTS[language]) + random.choice(VOWELS[language])
        if random.random() < 0.3:
            word += random.choice(CONSONANTS[language])
    return word


def vectorise(word):
    v = torch.zeros(BUCKETS)
    padded = f"^{word}$"
    for n in (2, 3):
        for i in range(len(padded) - n + 1):
            v[zlib.crc32(padded[i : i + n].encode()) % BUCKETS] += 1.0
    return v / v.norm()


labels = torch.tensor([random.randrange(4) for _ in range(2400)])
words = [make_word(label) for label in labels.tolist()]
features = torch.stack([vectorise(w) for w in words])
train_x, test_x = features[:2000], features[2000:]
train_y, test_y = labels[:2000], labels[2000:]

W = torch.zeros(BUCKETS, 4, requires_grad=True)
b = torch.zeros(4, requires_grad=True)
optimizer = torch.optim.Adadelta([W, b], lr=1.0, rho=0.9)
for epoch in range(20):
    order = torch.randperm(2000)
    total = 0.0
    for chunk in order.chunk(40):
        loss = F.cross_entropy(train_x[chunk] @ W + b, train_y[chunk])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / 40
    if epoch % 4 == 3:
        print(f"pass {epoch + 1}: loss {total:.4f}")

guess = (test_x @ W + b).argmax(dim=1)
for word, g, y in list(zip(words[2000:], guess.tolist(), test_y.tolist()))[:5]:
    print(f"{word:>14}: said {g}, is {y}")
print(f"score: {(guess == test_y).float().mean().item():.4f}")
