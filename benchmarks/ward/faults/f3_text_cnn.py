"""Text CNN (Kim 2014) over character strings that do or do not hold one of a few motifs. Its convolutions of width 3, 4
and 5 are kept in a plain list, so that parameters() does not have them."""
# cause: unregistered-parameters
# kind: dynamic

import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

ALPHABET = "acgt"
MOTIFS = ["gatta", "tgcat", "ccagt"]


class TextCNN(nn.Module):
    def __init__(self, n_classes, widths=(3, 4, 5), channels=4):
        super().__init__()
        convs = [nn.Conv1d(len(ALPHABET), channels, w) for w in widths]
        self.convs = convs  # FAULT
        # TWIN: self.convs = nn.ModuleList(convs)
        self.fc = nn.Linear(channels * len(widths), n_classes)

    def forward(self, x):
        x = F.one_hot(x, len(ALPHABET)).float().transpose(1, 2)
        pooled = [F.relu(conv(x)).max(dim=2).values for conv in self.convs]
        return self.fc(torch.cat(pooled, dim=1))


def make_set(n, rng):
    rows, labels = [], []
    for _ in range(n):
        s = rng.choices(ALPHABET, k=30)
        label = rng.randrange(len(MOTIFS) + 1)
        if label:
            at = rng.randrange(26)
            s[at : at + 5] = MOTIFS[label - 1]
        rows.append([ALPHABET.index(c) for c in s])
        labels.append(label)
    return torch.tensor(rows), torch.tensor(labels)


torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = random.Random(seed)
x_train, y_train = make_set(2000, rng)
x_val, y_val = make_set(500, rng)

model = TextCNN(len(MOTIFS) + 1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(20):
    model.train()
    total_loss = 0.0
    for batch in torch.randperm(len(x_train)).split(50):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x_train[batch]), y_train[batch])
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * len(batch)
    model.eval()
    with torch.no_grad():
        val_acc = (model(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch + 1}: train loss {total_loss / len(x_train):.4f}, val acc {val_acc:.4f}")

print(f"score: {val_acc:.4f}")
