"""AdamW with weight decay 0.1 on the weight matrices and none on biases and norms (two parameter groups, as GPT
training scripts do), cosine decay with a floor, on the digits read as sequences of eight rows by a small attention
model.
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
STEPS, WARMUP, LR, MIN_LR = 360, 30, 4e-3, 2e-4


class RowAttention(nn.Module):
    def __init__(self, dim=32, heads=4):
        super().__init__()
        self.embed = nn.Linear(8, dim)
        self.pos = nn.Parameter(0.02 * torch.randn(8, dim))
        self.ln1, self.ln2, self.ln_f = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.head = nn.Linear(8 * dim, 10)

    def forward(self, rows):
        h = self.embed(rows) + self.pos
        n = self.ln1(h)
        h = h + self.attn(n, n, n, need_weights=False)[0]
        h = h + self.mlp(self.ln2(h))
        return self.head(self.ln_f(h).flatten(1))


def get_lr(it):
    if it < WARMUP:
        return LR * (it + 1) / WARMUP
    ratio = (it - WARMUP) / (STEPS - WARMUP)
    return MIN_LR + 0.5 * (1 + math.cos(math.pi * ratio)) * (LR - MIN_LR)


digits = load_digits()
perm = torch.randperm(len(digits.images))
images = torch.tensor(digits.images, dtype=torch.float32)[perm] / 8 - 1
labels = torch.tensor(digits.target)[perm]
data = {"train": (images[:1400], labels[:1400]), "val": (images[1400:], labels[1400:])}

model = RowAttention()
decay = [p for p in model.parameters() if p.dim() >= 2]
no_decay = [p for p in model.parameters() if p.dim() < 2]
groups = [{"params": decay, "weight_decay": 0.1}, {"params": no_decay, "weight_decay": 0.0}]
optimizer = torch.optim.AdamW(groups, lr=LR, betas=(0.9, 0.95))

for it in range(STEPS):
    for group in optimizer.param_groups:
        group["lr"] = get_lr(it)
    x, y = data["train"]
    batch = torch.randint(len(x), (64,))
    loss = F.cross_entropy(model(x[batch]), y[batch])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if (it + 1) % 40 == 0:
        model.eval()
        with torch.no_grad():
            out = model(data["val"][0])
            val_loss, val_acc = F.cross_entropy(out, data["val"][1]), (out.argmax(1) == data["val"][1]).float().mean()
        model.train()
        print(f"iter {it + 1}: train loss {loss:.4f}, val loss {val_loss:.4f}, val acc {val_acc:.4f}")

print(f"score: {val_acc:.4f}")
