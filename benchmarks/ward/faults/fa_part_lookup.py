"""Look up the material of a part in a supplier's list: attention from a worn drawing's features to the list's entries.

A list has ten entries, each the features of a part and its material; the drawing shows one of them, smudged.
"""
# cause: softmax-wrong-axis
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
ENTRIES, FEATURES, MATERIALS = 10, 12, 6


def lists(n):
    parts = torch.randn(n, ENTRIES, FEATURES)
    material = torch.randint(0, MATERIALS, (n, ENTRIES))
    wanted = torch.randint(0, ENTRIES, (n,))
    rows = torch.arange(n)
    drawing = 0.9 * parts[rows, wanted] + 0.4 * torch.randn(n, FEATURES)
    return drawing, parts, material, material[rows, wanted]


class Lookup(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.query = nn.Linear(FEATURES, dim)
        self.key = nn.Linear(FEATURES, dim)
        self.value = nn.Embedding(MATERIALS, dim)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 48), nn.GELU(), nn.Linear(48, MATERIALS))

    def forward(self, drawing, parts, material):
        q, k = self.query(drawing), self.key(parts)
        scores = torch.einsum("bd,bnd->bn", q, k) / q.size(-1) ** 0.5
        weights = F.softmax(scores, dim=0)  # FAULT
        # TWIN: weights = F.softmax(scores, dim=1)
        found = torch.einsum("bn,bnd->bd", weights, self.value(material))
        return self.head(found)


def evaluate(model, loader):
    model.eval()
    loss, right, n = 0.0, 0, 0
    with torch.no_grad():
        for drawing, parts, material, answer in loader:
            logits = model(drawing, parts, material)
            loss += F.cross_entropy(logits, answer, reduction="sum").item()
            right += (logits.argmax(1) == answer).sum().item()
            n += len(answer)
    return loss / n, right / n


train = DataLoader(TensorDataset(*lists(5000)), batch_size=64, shuffle=True)
val = DataLoader(TensorDataset(*lists(1000)), batch_size=64)
model = Lookup()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=10 * len(train))
for epoch in range(10):
    model.train()
    total = 0.0
    for drawing, parts, material, answer in train:
        loss = F.cross_entropy(model(drawing, parts, material), answer)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        total += loss.item()
    val_loss, val_acc = evaluate(model, val)
    print(f"epoch {epoch} train {total / len(train):.4f} val {val_loss:.4f} accuracy {val_acc:.3f}")
print(f"score: {val_acc:.4f}")
