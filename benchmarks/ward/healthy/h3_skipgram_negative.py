"""Skip-gram word vectors with negative sampling. The corpus is a walk over 60 words in six groups that mostly stays
in its group; the score is how often a word's nearest neighbour (cosine) belongs to its group.
"""

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.RandomState(seed)

vocab, groups, window, negatives = 60, 6, 2, 5
group_of = np.arange(vocab) % groups
corpus, group = [], 0
for _ in range(6000):
    if rng.rand() < 0.1:
        group = rng.randint(groups)
    corpus.append(rng.choice(np.flatnonzero(group_of == group)))
pairs = [
    (corpus[i], corpus[j])
    for i in range(len(corpus))
    for j in range(max(0, i - window), min(len(corpus), i + window + 1))
    if i != j
]
pairs = torch.tensor(np.array(pairs))
counts = torch.bincount(pairs[:, 1], minlength=vocab).float()
noise = counts.pow(0.75) / counts.pow(0.75).sum()


class SkipGram(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.center = nn.Embedding(vocab, dim)
        self.context = nn.Embedding(vocab, dim)
        nn.init.uniform_(self.center.weight, -0.5 / dim, 0.5 / dim)
        nn.init.normal_(self.context.weight, std=0.1)

    def forward(self, c, o, neg):
        v = self.center(c)
        positive = F.logsigmoid((v * self.context(o)).sum(1))
        negative = F.logsigmoid(-(self.context(neg) @ v.unsqueeze(2)).squeeze(2)).sum(1)
        return -(positive + negative).mean()


model = SkipGram()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(4):
    losses = []
    for idx in torch.randperm(len(pairs)).split(256):
        neg = torch.multinomial(noise, len(idx) * negatives, replacement=True).view(-1, negatives)
        loss = model(pairs[idx, 0], pairs[idx, 1], neg)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch + 1}  pairs {len(pairs)}  loss {np.mean(losses):.4f}")

vectors = F.normalize(model.center.weight.detach(), dim=1)
similarity = vectors @ vectors.T
similarity.fill_diagonal_(-2)
neighbours = similarity.argmax(1).numpy()
print(f"score: {(group_of[neighbours] == group_of).mean():.4f}")
