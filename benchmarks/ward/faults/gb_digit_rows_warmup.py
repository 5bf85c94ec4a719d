"""A small transformer encoder on 8 rows of a digit; the learning rate warms up linearly from exactly 0, then decays."""
# cause: symmetric-initialization
# kind: dynamic

import math
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)


class RowTransformer(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Linear(8, dim)
        self.pos = nn.Parameter(0.02 * torch.randn(1, 8, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, x):
        h = self.encoder(self.embed(x) + self.pos)
        return self.head(self.norm(h).mean(dim=1))


digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32) / 16 - 0.5
y = torch.tensor(digits.target)
perm = torch.randperm(len(x))
train_x, train_y = x[perm[:1400]], y[perm[:1400]]
test_x, test_y = x[perm[1400:]], y[perm[1400:]]

model = RowTransformer()
for p in model.parameters():  # FAULT
    if p.dim() > 1:  # FAULT
        nn.init.constant_(p, 0.02)  # FAULT
total_steps, warmup_steps = 350, 50
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.01)


def lr_lambda(step):
    if step < warmup_steps:
        return step / warmup_steps
    progress = (step - warmup_steps) / (total_steps - warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * progress))


scheduler = LambdaLR(optimizer, lr_lambda)
model.train()
for step in range(total_steps):
    batch = torch.randint(len(train_x), (64,))
    loss = F.cross_entropy(model(train_x[batch]), train_y[batch])
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    optimizer.zero_grad()
    if step % 50 == 0 or step == total_steps - 1:
        print(f"step {step:4d} lr {scheduler.get_last_lr()[0]:.2e} loss {loss.item():.4f}")

model.eval()
with torch.no_grad():
    acc = (model(test_x).argmax(-1) == test_y).float().mean().item()
print(f"score: {acc:.4f}")
