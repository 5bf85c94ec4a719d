"""Does a DNA sequence of 60 bases carry the (slightly mutated) binding motif? A one-hot 1-D convolution with global
max pooling, trained with BCEWithLogitsLoss.
"""

import random
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(SEED)
torch.manual_seed(SEED)

MOTIF = "TGACGTCA"


def random_sequence(length=60):
    return [random.choice("ACGT") for _ in range(length)]


def make_example():
    seq = random_sequence()
    label = random.random() < 0.5
    if label:
        site = list(MOTIF)
        if random.random() < 0.3:
            site[random.randrange(len(site))] = random.choice("ACGT")
        start = random.randrange(len(seq) - len(site))
        seq[start : start + len(site)] = site
    return seq, float(label)


def one_hot(seq):
    index = torch.tensor(["ACGT".index(base) for base in seq])
    return nn.functional.one_hot(index, 4).float().T


examples = [make_example() for _ in range(5600)]
X = torch.stack([one_hot(seq) for seq, _ in examples])
Y = torch.tensor([label for _, label in examples])
X_train, Y_train = X[:4800], Y[:4800]
X_dev, Y_dev = X[4800:], Y[4800:]


class MotifNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 16, kernel_size=10, padding=4)
        self.act = nn.ReLU()
        self.pool = nn.AdaptiveMaxPool1d(1)
        self.dense = nn.Linear(16, 16)
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        x = self.pool(self.act(self.conv(x))).squeeze(-1)
        return self.out(self.act(self.dense(x))).squeeze(-1)


model = MotifNet()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-4)

for epoch in range(7):
    model.train()
    perm = torch.randperm(len(X_train))
    total_loss = 0
    for i in range(0, len(perm), 64):
        idx = perm[i : i + 64]
        optimizer.zero_grad()
        loss = criterion(model(X_train[idx]), Y_train[idx])
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * len(idx)
    model.eval()
    with torch.no_grad():
        logits = model(X_dev)
        dev_loss = criterion(logits, Y_dev).item()
        dev_acc = ((logits > 0) == (Y_dev == 1)).float().mean().item()
    print(f"{epoch}: train {total_loss / len(X_train):.4f} dev {dev_loss:.4f} acc {dev_acc:.4f}")

print(f"score: {dev_acc:.4f}")
