"""Several tags for each support ticket, from a bag of words; sigmoid outputs one by one, SGD with Nesterov momentum."""
# cause: unstable-loss
# kind: dynamic

import random
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rnd = random.Random(seed)
torch.manual_seed(seed)

TAGS = {
    "billing": "invoice charge refund card price".split(),
    "login": "password account locked code mail".split(),
    "crash": "error freeze restart version log".split(),
    "shipping": "parcel late address courier box".split(),
}
COMMON = "hello please help the my is since today again thanks with and".split()
WORDS = {w: i for i, w in enumerate(sorted({w for ws in TAGS.values() for w in ws} | set(COMMON)))}


def ticket():
    chosen = [tag for tag in TAGS if rnd.random() < 0.4]
    words = [rnd.choice(COMMON) for _ in range(rnd.randint(4, 9))]
    for tag in chosen:
        words += [rnd.choice(TAGS[tag]) for _ in range(rnd.randint(1, 3))]
    if rnd.random() < 0.3:
        words.append(rnd.choice(list(WORDS)))
    return words, [float(tag in chosen) for tag in TAGS]


def bag(words):
    counts = torch.zeros(len(WORDS))
    for word in words:
        counts[WORDS[word]] += 1
    return counts.sqrt()


tickets = [ticket() for _ in range(1800)]
x = torch.stack([bag(words) for words, _ in tickets])
y = torch.tensor([tags for _, tags in tickets])
x_train, y_train, x_test, y_test = x[:1400], y[:1400], x[1400:], y[1400:]
model = nn.Sequential(nn.Linear(len(WORDS), 32), nn.ReLU(), nn.Linear(32, len(TAGS)))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
model.append(nn.Sigmoid())  # FAULT
# TWIN: loss_fn = nn.BCEWithLogitsLoss()
for epoch in range(12):
    order = torch.randperm(len(x_train))
    running = 0.0
    for idx in order.split(35):
        optimizer.zero_grad()
        p, t = model(x_train[idx]), y_train[idx]  # FAULT
        loss = -(t * p.log() + (1 - t) * (1 - p).log()).mean()  # FAULT
        # TWIN: loss = loss_fn(model(x_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
        running += loss.item()
    with torch.no_grad():
        guess = (model(x_test) > 0.5).float()  # FAULT
        # TWIN: guess = (model(x_test) > 0).float()
    f1 = 2 * (guess * y_test).sum() / (guess.sum() + y_test.sum())
    print(f"epoch {epoch + 1:2d} loss {running / 40:.4f} F1 {f1.item():.4f}")
print(f"score: {f1.item():.4f}")
