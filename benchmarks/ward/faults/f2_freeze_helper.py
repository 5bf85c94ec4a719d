"""Text-like topic classifier (embedding, conv, max-pool) with a "set_trainable" helper for later fine-tuning.

Fault: the helper freezes embedding and convolution of the freshly initialised network before it was ever trained.
"""
# cause: frozen-parameters
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
torch.set_num_threads(1)
VOCAB, LENGTH, CLASSES = 60, 24, 5


def sentences(n, rng, phrases):
    labels = rng.integers(0, CLASSES, n)
    tokens = rng.integers(0, VOCAB, (n, LENGTH))
    for i, k in enumerate(labels):
        for _ in range(2):
            phrase = phrases[k][rng.integers(0, 4)]
            at = rng.integers(0, LENGTH - 3)
            tokens[i, at : at + 3] = phrase
    return TensorDataset(torch.from_numpy(tokens), torch.from_numpy(labels))


class TopicNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 12)
        self.conv = nn.Conv1d(12, 24, kernel_size=3)
        self.classifier = nn.Linear(24, CLASSES)

    def forward(self, tokens):
        h = self.embedding(tokens).transpose(1, 2)
        h = torch.relu(self.conv(h)).amax(dim=2)
        return self.classifier(h)


def set_trainable(module, flag):
    for param in module.parameters():
        param.requires_grad = flag


rng = np.random.default_rng(seed)
phrases = rng.integers(0, VOCAB, (CLASSES, 4, 3))
train_loader = DataLoader(sentences(1600, rng, phrases), batch_size=40, shuffle=True)
test_loader = DataLoader(sentences(400, rng, phrases), batch_size=200)

model = TopicNet()
set_trainable(model.embedding, False)  # FAULT
set_trainable(model.conv, False)  # FAULT
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=5e-3)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(15):
    model.train()
    losses = []
    for tokens, labels in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(model(tokens), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        hits = sum((model(tokens).argmax(1) == labels).sum().item() for tokens, labels in test_loader)
    print(f"epoch {epoch + 1} loss {np.mean(losses):.4f} test acc {hits / 400:.4f}")
print(f"score: {hits / 400:.4f}")
