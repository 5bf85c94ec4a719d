"""Classify short noisy 26-symbol sequences by the hidden source that produced them (24 sources).

Fault: nn.NLLLoss receives softmax probabilities, the log is missing.
"""
# cause: missing-log
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)

N_SOURCES, LENGTH, VOCAB = 24, 20, 26
profiles = rng.dirichlet(np.full(VOCAB, 0.7), size=N_SOURCES)


def sample(n):
    labels = rng.integers(0, N_SOURCES, n)
    seqs = np.stack([rng.choice(VOCAB, LENGTH, p=profiles[k]) for k in labels])
    return torch.from_numpy(seqs), torch.from_numpy(labels)


train_x, train_y = sample(1600)
test_x, test_y = sample(500)


class SourceNet(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.fc1 = nn.Linear(dim, 48)
        self.fc2 = nn.Linear(48, N_SOURCES)

    def forward(self, tokens):
        h = self.embed(tokens).mean(dim=1)
        h = torch.tanh(self.fc1(h))
        return F.softmax(self.fc2(h), dim=-1)  # FAULT
        # TWIN: return F.log_softmax(self.fc2(h), dim=-1)


net = SourceNet()
loss_fn = nn.NLLLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
n_batches = len(train_x) // 64
for epoch in range(20):
    perm = torch.randperm(len(train_x))
    epoch_loss = 0.0
    for b in range(n_batches):
        sel = perm[b * 64 : (b + 1) * 64]
        optimizer.zero_grad()
        loss = loss_fn(net(train_x[sel]), train_y[sel])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() / n_batches
    with torch.no_grad():
        test_loss = loss_fn(net(test_x), test_y).item()
    if epoch % 4 == 3:
        print(f"{epoch + 1:3d} | train {epoch_loss:.4f} | test {test_loss:.4f}")

with torch.no_grad():
    hits = (net(test_x).argmax(1) == test_y).float().mean().item()
print(f"score: {hits:.4f}")
