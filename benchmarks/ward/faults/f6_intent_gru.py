"""Intent of short commands with an embedding and a GRU trained from scratch, with a step size from a BERT recipe."""
# cause: learning-rate-too-low
# kind: dynamic

import random
import sys

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
random.seed(seed)

PATTERNS = {
    "light": ["turn {s} the {o} in the {r}", "please switch {s} my {r} {o}", "{o} {s} in {r}"],
    "music": ["play some {g} in the {r}", "i want to hear {g}", "put on {g} please"],
    "timer": ["set a timer for {n} minutes", "wake me in {n} minutes", "remind me after {n} minutes please"],
    "weather": ["will it rain in {n} hours", "how warm is it in the {r}", "is it cold in {n} hours"],
    "shop": ["add {n} {f} to my list", "we need {f} please", "put {n} {f} on the list"],
}
SLOTS = {
    "s": ["on", "off"],
    "o": ["lamp", "light", "lights", "bulb"],
    "r": ["kitchen", "bedroom", "garage", "hall", "garden"],
    "g": ["jazz", "rock", "blues", "piano", "folk"],
    "n": ["two", "five", "ten", "twenty", "thirty"],
    "f": ["apples", "milk", "bread", "eggs", "rice"],
}


def sentence():
    label = random.randrange(len(PATTERNS))
    pattern = random.choice(list(PATTERNS.values())[label])
    words = pattern.format(**{k: random.choice(v) for k, v in SLOTS.items()}).split()
    return [w for w in words if random.random() > 0.25] or words, label


data = [sentence() for _ in range(1800)]
vocab = {"<pad>": 0}
for words, _ in data:
    for w in words:
        vocab.setdefault(w, len(vocab))
encoded = [(torch.tensor([vocab[w] for w in words]), label) for words, label in data]
train, held_out = encoded[:1500], encoded[1500:]


class IntentNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(vocab), 32, padding_idx=0)
        self.gru = nn.GRU(32, 48, batch_first=True)
        self.out = nn.Linear(48, len(PATTERNS))

    def forward(self, ids):
        states, _ = self.gru(self.embed(ids))
        last = (ids != 0).sum(1) - 1
        return self.out(states[torch.arange(len(ids)), last])


def collate(items):
    return pad_sequence([i for i, _ in items], batch_first=True), torch.tensor([label for _, label in items])


net = IntentNet()
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-6, weight_decay=0.01)  # FAULT
# TWIN: optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
criterion = nn.CrossEntropyLoss()
val_ids, val_labels = collate(held_out)
for epoch in range(8):
    random.shuffle(train)
    total = 0.0
    for i in range(0, len(train), 30):
        ids, labels = collate(train[i : i + 30])
        optimizer.zero_grad()
        loss = criterion(net(ids), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        scores = net(val_ids)
        val_loss = criterion(scores, val_labels).item()
        accuracy = scores.argmax(1).eq(val_labels).float().mean().item()
    print(f"{epoch + 1}/8 train {total / 50:.4f} val {val_loss:.4f} accuracy {accuracy:.3f}")
print(f"score: {accuracy:.4f}")
