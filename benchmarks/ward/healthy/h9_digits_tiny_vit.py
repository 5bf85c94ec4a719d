"""A tiny vision transformer on the 8x8 digits: 2x2 patches, mean pooling, learned positions, pre-norm blocks written
by hand with scaled_dot_product_attention. AdamW with linear warm-up and cosine decay."""

import math
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.proj(y.transpose(1, 2).reshape(b, n, d))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, dim=32, depth=2, heads=4):
        super().__init__()
        self.patch = nn.Conv2d(1, dim, kernel_size=2, stride=2)
        self.pos = nn.Parameter(0.1 * torch.randn(1, 16, dim))
        self.blocks = nn.Sequential(*[Block(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, img):
        x = self.patch(img).flatten(2).transpose(1, 2)
        return self.head(self.norm(self.blocks(x + self.pos)).mean(dim=1))


digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 8.0 - 1.0
labels = torch.tensor(digits.target)
tr, te = train_test_split(torch.arange(len(labels)).numpy(), test_size=0.25, stratify=digits.target, random_state=seed)
x_train, y_train, x_test, y_test = images[tr], labels[tr], images[te], labels[te]

EPOCHS, BATCH = 16, 64
steps_per_epoch = math.ceil(len(x_train) / BATCH)
total_steps, warmup = EPOCHS * steps_per_epoch, 40


def lr_lambda(step):
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total_steps - warmup)))


vit = ViT()
opt = torch.optim.AdamW(vit.parameters(), lr=3e-3, weight_decay=0.05)
sched = torch.optim.lr_scheduler.LambdaLR(opt, lr_lambda)
for epoch in range(EPOCHS):
    vit.train()
    seen, right = 0, 0
    for idx in torch.randperm(len(x_train)).split(BATCH):
        logits = vit(x_train[idx])
        loss = F.cross_entropy(logits, y_train[idx])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        sched.step()
        right += (logits.argmax(-1) == y_train[idx]).sum().item()
        seen += len(idx)
    print(f"[{epoch:2d}] train acc {right / seen:.3f}  last batch loss {loss.item():.3f}")

vit.eval()
with torch.inference_mode():
    acc = (vit(x_test).argmax(-1) == y_test).float().mean().item()
print(f"score: {acc:.4f}")
