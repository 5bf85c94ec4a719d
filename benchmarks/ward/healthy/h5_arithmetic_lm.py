"""A causal transformer language model on strings such as 3+8=11, trained on the answer characters only: positions of
the question carry the target -100. A fifth of all sums is held out.
"""

import sys

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

CHARS = "0123456789+=."
LENGTH = 8  # aa+b=cc. padded by dots


def encode(a, b):
    text = f"{a}+{b}="
    prompt = len(text)
    text = (text + str(a + b)).ljust(LENGTH, ".")
    ids = torch.tensor([CHARS.index(c) for c in text])
    target = ids.clone()
    target[:prompt] = -100
    return ids[:-1], target[1:]


class TinyGPT(nn.Module):
    def __init__(self, dim=48, heads=4, layers=2):
        super().__init__()
        self.tok = nn.Embedding(len(CHARS), dim)
        self.pos = nn.Embedding(LENGTH - 1, dim)
        layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, len(CHARS))
        for emb in (self.tok, self.pos):
            nn.init.normal_(emb.weight, std=0.1)
        mask = torch.triu(torch.ones(LENGTH - 1, LENGTH - 1, dtype=torch.bool), 1)
        self.register_buffer("mask", mask)

    def forward(self, ids):
        h = self.tok(ids) + self.pos.weight[: ids.size(1)]
        return self.head(self.norm(self.blocks(h, mask=self.mask)))


pairs = [(a, b) for a in range(10, 90) for b in range(10)]
order = torch.randperm(len(pairs)).tolist()
data = [encode(*pairs[i]) for i in order]
ids, targets = torch.stack([d[0] for d in data]), torch.stack([d[1] for d in data])
n_val = len(pairs) // 5
x_val, y_val, x, y = ids[:n_val], targets[:n_val], ids[n_val:], targets[n_val:]


def evaluate():
    model.eval()
    with torch.no_grad():
        out = model(x_val)
        loss = F.cross_entropy(out.flatten(0, 1), y_val.flatten(), ignore_index=-100)
        right = (out.argmax(2) == y_val) | (y_val == -100)
    model.train()
    return loss.item(), right.all(1).float().mean().item()


model = TinyGPT()
steps, warmup = 500, 40
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.05)
scheduler = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda s: min((s + 1) / warmup, max(0.02, (steps - s) / (steps - warmup)))
)
for step in range(1, steps + 1):
    batch = torch.randint(len(x), (96,))
    logits = model(x[batch])
    loss = F.cross_entropy(logits.flatten(0, 1), y[batch].flatten(), ignore_index=-100)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    if step % 50 == 0:
        val_loss, exact = evaluate()
        print(f"step {step}: train {loss.item():.4f} val {val_loss:.4f} exact sums {exact:.3f}")
print(f"score: {exact:.4f}")
