"""Are the brackets balanced? A GRU classifier over padded token sequences of '(' and ')' with packed sequences."""
# cause: learning-rate-too-low
# kind: dynamic

import random
import sys

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)


def balanced(n):
    text, depth = "", 0
    while len(text) < n:
        left = n - len(text)
        if depth == 0 or (depth < left and random.random() < 0.5):
            text, depth = text + "(", depth + 1
        else:
            text, depth = text + ")", depth - 1
    return text


def example():
    text = balanced(2 * random.randint(3, 8))
    label = random.randint(0, 1)
    if label == 0:
        i = random.randrange(len(text))
        text = text[:i] + ("(" if text[i] == ")" else ")") + text[i + 1 :]
    return torch.tensor([1 if c == "(" else 2 for c in text]), label


class BracketNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(3, 8, padding_idx=0)
        self.gru = nn.GRU(8, 32, batch_first=True)
        self.fc = nn.Linear(32, 2)

    def forward(self, tokens, lengths):
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        _, h = self.gru(packed)
        return self.fc(h[-1])


def collate(items):
    lengths = torch.tensor([len(t) for t, _ in items])
    return pad_sequence([t for t, _ in items], batch_first=True), lengths, torch.tensor([label for _, label in items])


train = [example() for _ in range(1200)]
tokens_val, lengths_val, labels_val = collate([example() for _ in range(400)])
model = BracketNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.01 * 0.9**epoch)  # FAULT

for epoch in range(1, 16):
    random.shuffle(train)
    model.train()
    losses = []
    for i in range(0, len(train), 60):
        tokens, lengths, labels = collate(train[i : i + 60])
        optimizer.zero_grad()
        loss = criterion(model(tokens, lengths), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()  # FAULT
    model.eval()
    with torch.no_grad():
        acc = (model(tokens_val, lengths_val).argmax(1) == labels_val).float().mean().item()
    print(f"epoch {epoch} loss {sum(losses) / len(losses):.4f} val acc {acc:.4f}")

print(f"score: {acc:.4f}")
