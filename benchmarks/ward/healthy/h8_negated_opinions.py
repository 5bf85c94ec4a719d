"""Bidirectional GRU with attention pooling over short opinions in which "not" flips the next opinion word."""

import sys

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
gen = torch.Generator().manual_seed(seed + 100)

VOCAB, LENGTH, NOT = 40, 14, 1  # word 1 is "not", 2..9 good, 10..17 bad, the others neutral


def sample(n):
    seqs = torch.randint(18, VOCAB, (n, LENGTH), generator=gen)
    labels = torch.randint(0, 2, (n,), generator=gen)
    for i in range(n):
        slots = torch.randperm(LENGTH // 2, generator=gen)[:3] * 2
        for slot in slots.tolist():
            positive = bool(labels[i])
            negate = torch.rand((), generator=gen) < 0.5
            word = torch.randint(0, 8, (), generator=gen) + (2 if positive != bool(negate) else 10)
            seqs[i, slot + 1] = word
            if negate:
                seqs[i, slot] = NOT
    return seqs, labels


class AttentiveGRU(nn.Module):
    def __init__(self, dim=24, hidden=24):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.gru = nn.GRU(dim, hidden, batch_first=True, bidirectional=True)
        self.score = nn.Linear(2 * hidden, 1)
        self.head = nn.Linear(2 * hidden, 2)

    def forward(self, tokens):
        states, _ = self.gru(self.embed(tokens))
        attention = F.softmax(self.score(torch.tanh(states)), dim=1)
        context = (attention * states).sum(dim=1)
        return self.head(context)


x_train, y_train = sample(1500)
x_val, y_val = sample(400)
net = AttentiveGRU()
optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)

for epoch in range(8):
    net.train()
    order = torch.randperm(len(x_train), generator=gen)
    epoch_loss, hits = 0.0, 0
    for chunk in order.split(50):
        logits = net(x_train[chunk])
        loss = F.cross_entropy(logits, y_train[chunk])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        epoch_loss += loss.item() * len(chunk)
        hits += (logits.argmax(1) == y_train[chunk]).sum().item()
    net.eval()
    with torch.inference_mode():
        val_acc = (net(x_val).argmax(1) == y_val).float().mean().item()
    n = len(x_train)
    print(f"epoch {epoch} loss {epoch_loss / n:.4f} train acc {hits / n:.3f} val acc {val_acc:.3f}")

print(f"score: {val_acc:.4f}")
