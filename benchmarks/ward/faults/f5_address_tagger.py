"""Tags the parts of postal addresses (name, street, number, town, other) token by token with a bidirectional LSTM. When
the one-cycle schedule was added, its step() took the place of the optimizer's, so no weight ever moves."""
# cause: missing-step
# kind: dynamic

import random
import sys

import torch
from torch import nn

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
random.seed(seed)

FIRST = ["anna", "paul", "mary", "hugo", "lena", "omar", "ivan", "ruth"]
PLACE = ["york", "paris", "kent", "lyon", "essex", "turin", "ghent", "derby"]
STREET = ["street", "road", "lane", "avenue", "close"]
FILLER = ["please", "send", "to", "parcel", "for", "the", "house", "attention"]
WORDS = [*FIRST, *PLACE, *STREET, *FILLER, *[str(n) for n in range(1, 40)], "<pad>"]
INDEX = {word: i for i, word in enumerate(WORDS)}
OTHER, NAME, ROAD, NUMBER, TOWN, PAD = 0, 1, 2, 3, 4, -100
LENGTH = 12


def address():
    pairs = [(random.choice(FILLER), OTHER) for _ in range(random.randint(0, 3))]
    pairs.append((random.choice(FIRST + PLACE), NAME))
    if random.random() < 0.5:
        pairs.append((random.choice(FIRST + PLACE), NAME))
    pairs.append((str(random.randint(1, 39)), NUMBER))
    pairs += [(random.choice(PLACE + FIRST), ROAD), (random.choice(STREET), ROAD)]
    pairs.append((random.choice(PLACE), TOWN))
    if random.random() < 0.3:
        pairs.append((str(random.randint(1, 39)), OTHER))
    pairs += [("<pad>", PAD)] * (LENGTH - len(pairs))
    return [INDEX[w] for w, _ in pairs], [t for _, t in pairs]


def batch(n):
    words, tags = zip(*[address() for _ in range(n)])
    return torch.tensor(words), torch.tensor(tags)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(len(WORDS), 24)
        self.lstm = nn.LSTM(24, 24, batch_first=True, bidirectional=True)
        self.tag = nn.Linear(48, 5)

    def forward(self, words):
        return self.tag(self.lstm(self.emb(words))[0])


STEPS = 250
model = Tagger()
criterion = nn.CrossEntropyLoss(ignore_index=PAD)
optimizer = torch.optim.Adam(model.parameters())
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=STEPS)
for step in range(STEPS):
    words, tags = batch(48)
    loss = criterion(model(words).transpose(1, 2), tags)
    optimizer.zero_grad()
    loss.backward()
    # TWIN: optimizer.step()
    scheduler.step()
    if (step + 1) % 25 == 0:
        print(f"step {step + 1} loss {loss.item():.4f} lr {scheduler.get_last_lr()[0]:.2e}")

words, tags = batch(300)
with torch.no_grad():
    guess = model(words).argmax(-1)
score = (guess == tags)[tags != PAD].float().mean().item()
print(f"score: {score:.4f}")
