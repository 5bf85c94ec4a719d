"""Positive/negative reviews from a bag of word embeddings, trained from scratch.

Fault: lr=2e-5, copied from a recipe for fine-tuning a pretrained BERT.
"""
# cause: learning-rate-too-low
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

n_words, review_len = 600, 40
word_tone = np.where(rng.random(n_words) < 0.3, rng.normal(0, 1, n_words), 0.0)


def write_reviews(n):
    tone = rng.integers(0, 2, n)
    reviews = np.empty((n, review_len), dtype=np.int64)
    for i, t in enumerate(tone):
        p = np.exp(0.45 * (2 * t - 1) * word_tone)
        reviews[i] = rng.choice(n_words, review_len, p=p / p.sum())
    return torch.from_numpy(reviews), torch.from_numpy(tone).float()


train_text, train_tone = write_reviews(4000)
dev_text, dev_tone = write_reviews(800)

net = nn.Sequential(nn.EmbeddingBag(n_words, 50, mode="mean"), nn.Linear(50, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-5, weight_decay=0.01)  # FAULT
# TWIN: optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)

for epoch in range(5):
    losses = []
    for rows in torch.randperm(len(train_text)).split(32):
        loss = F.binary_cross_entropy_with_logits(net(train_text[rows]).squeeze(1), train_tone[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        dev_out = net(dev_text).squeeze(1)
        dev_loss = F.binary_cross_entropy_with_logits(dev_out, dev_tone).item()
        dev_acc = ((dev_out > 0).float() == dev_tone).float().mean().item()
    print(f"epoch {epoch} loss {np.mean(losses):.4f} dev loss {dev_loss:.4f} dev acc {dev_acc:.4f}")

print(f"score: {dev_acc:.4f}")
