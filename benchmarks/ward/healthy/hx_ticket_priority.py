"""Help-desk tickets (generated from templates) sorted into three priorities: word embeddings, masked mean,
two layers, AdamW."""

import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = random.Random(seed)
torch.manual_seed(seed)

SUBJECTS = "printer server laptop email database website vpn phone screen account".split()
URGENT = "down crashed outage unreachable stolen breached corrupted".split()
NORMAL = "slow frozen blinking failing noisy unstable rejected".split()
LOW = "upgrade training colour wallpaper question suggestion move".split()
FILLER = "the my our please since monday again it is for and team office help with hello thanks today".split()


def ticket():
    label = rng.randrange(3)
    words = [rng.choice(SUBJECTS)] + rng.sample([LOW, NORMAL, URGENT][label], 2)
    if rng.random() < 0.3:
        words.append(rng.choice(rng.choice([LOW, NORMAL, URGENT])))
    words += rng.choices(FILLER, k=rng.randint(3, 9))
    rng.shuffle(words)
    return words, label


tickets = [ticket() for _ in range(1500)]
vocab = {"<pad>": 0, "<unk>": 1}
for words, _ in tickets[:1200]:
    for w in words:
        vocab.setdefault(w, len(vocab))
max_len = max(len(words) for words, _ in tickets)


def encode(words):
    ids = [vocab.get(w, 1) for w in words]
    return ids + [0] * (max_len - len(ids))


X = torch.tensor([encode(w) for w, _ in tickets])
y = torch.tensor([label for _, label in tickets])
X_train, y_train, X_val, y_val = X[:1200], y[:1200], X[1200:], y[1200:]


class TicketNet(nn.Module):
    def __init__(self, vocab_size, dim=24):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, dim, padding_idx=0)
        self.fc1 = nn.Linear(dim, 32)
        self.drop = nn.Dropout(0.2)
        self.fc2 = nn.Linear(32, 3)

    def forward(self, tokens):
        mask = (tokens != 0).unsqueeze(-1).float()
        mean = (self.embed(tokens) * mask).sum(1) / mask.sum(1)
        return self.fc2(self.drop(F.relu(self.fc1(mean))))


model = TicketNet(len(vocab))
opt = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.01)

for epoch in range(12):
    model.train()
    order = torch.randperm(len(X_train))
    for idx in order.split(40):
        opt.zero_grad()
        loss = F.cross_entropy(model(X_train[idx]), y_train[idx])
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        logits = model(X_val)
        val_loss = F.cross_entropy(logits, y_val).item()
        val_acc = (logits.argmax(-1) == y_val).float().mean().item()
    print(f"epoch {epoch:02d} | val loss {val_loss:.4f} | val acc {val_acc:.3f}")

print(f"score: {val_acc:.4f}")
