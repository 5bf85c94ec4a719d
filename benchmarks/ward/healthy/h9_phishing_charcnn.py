"""Phishing or harmless: a character CNN over web addresses, each cut or padded to 48 characters.
Conv1d with global max pooling, AdamW, CrossEntropyLoss over two classes, F1 at the end."""

import random
import string
import sys

import torch
from torch import nn

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)
rnd = random.Random(SEED)

BRANDS = ["paypal", "amazon", "netflix", "dhl", "chase", "apple", "ebay", "google"]
WORDS = ["news", "garden", "photo", "blog", "travel", "music", "school", "recipes", "tennis", "forum", "weather"]
BAIT = ["verify", "login", "secure", "update", "account", "confirm", "billing"]
CHARS = string.ascii_lowercase + string.digits + ".-/_?=@"
STOI = {c: i + 1 for i, c in enumerate(CHARS)}
MAXLEN = 48


def harmless():
    host = rnd.choice(BRANDS + WORDS * 2) + (rnd.choice(WORDS) if rnd.random() < 0.3 else "")
    url = rnd.choice(["www.", "", "shop."]) + host + rnd.choice([".com", ".org", ".net", ".de"])
    for _ in range(rnd.randint(0, 2)):
        url += "/" + rnd.choice(WORDS + ["login", "account", str(rnd.randint(1, 2030))])
    return url


def phishing():
    brand = rnd.choice(BRANDS)
    if rnd.random() < 0.4:
        i = rnd.randrange(len(brand))
        brand = brand[:i] + rnd.choice("01-3") + brand[i + (rnd.random() < 0.7) :]
        url = brand + rnd.choice([".com", ".net", ".org"])
    elif rnd.random() < 0.5:
        url = brand + "-" + rnd.choice(BAIT) + rnd.choice([".com", ".info", ".net"])
    else:
        url = brand + ".com." + rnd.choice(WORDS) + str(rnd.randint(1, 99)) + rnd.choice([".ru", ".info", ".net"])
    if rnd.random() < 0.6:
        url += "/" + rnd.choice(BAIT + WORDS)
    return url


def encode(url):
    ids = [STOI[c] for c in url[:MAXLEN]]
    return ids + [0] * (MAXLEN - len(ids))


def build(n):
    rows = [(encode(phishing()), 1) if rnd.random() < 0.5 else (encode(harmless()), 0) for _ in range(n)]
    return torch.tensor([r[0] for r in rows]), torch.tensor([r[1] for r in rows])


class CharCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(len(CHARS) + 1, 16, padding_idx=0)
        self.conv = nn.Conv1d(16, 64, kernel_size=5, padding=2)
        self.conv2 = nn.Conv1d(64, 64, kernel_size=3, padding=1)
        self.drop = nn.Dropout(0.25)
        self.fc = nn.Linear(64, 2)

    def forward(self, ids):
        h = torch.relu(self.conv(self.emb(ids).transpose(1, 2)))
        h = torch.relu(self.conv2(nn.functional.max_pool1d(h, 2)))
        return self.fc(self.drop(h.amax(dim=2)))


x_train, y_train = build(1600)
x_val, y_val = build(400)
model, criterion = CharCNN(), nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)

for epoch in range(8):
    model.train()
    epoch_loss = 0
    permutation = torch.randperm(x_train.size(0))
    for i in range(0, x_train.size(0), 40):
        indices = permutation[i : i + 40]
        optimizer.zero_grad()
        loss = criterion(model(x_train[indices]), y_train[indices])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    model.eval()
    with torch.no_grad():
        out = model(x_val)
        val_loss = criterion(out, y_val).item()
    print(f"Epoch {epoch + 1}: loss={epoch_loss / 40:.4f} val_loss={val_loss:.4f}")

pred = out.argmax(1)
tp = ((pred == 1) & (y_val == 1)).sum().item()
f1 = 2 * tp / ((pred == 1).sum().item() + (y_val == 1).sum().item())
print(f"score: {f1:.4f}")
