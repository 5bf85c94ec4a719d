"""A tiny GPT learns to sort short lists of digits: the loss is masked on the input part, sorting is done by greedy generation.

After the demo notebook of https://github.com/karpathy/minGPT (demo.ipynb, model.py, trainer.py).
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

LENGTH, NUM_DIGITS = 6, 4  # lists of six, values 0 to 3


class SortDataset(Dataset):
    """Input 0 0 2 1 0 1 -> output 0 0 0 1 1 2. The distinct inputs are split once, so test lists are never trained on."""

    def __init__(self, split, seed):
        n = NUM_DIGITS**LENGTH
        perm = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
        codes = perm[: n // 4] if split == "test" else perm[n // 4 :]
        self.inputs = torch.stack([codes // NUM_DIGITS**i % NUM_DIGITS for i in range(LENGTH)], dim=1)

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, i):
        inp = self.inputs[i]
        cat = torch.cat((inp, torch.sort(inp)[0]))
        x, y = cat[:-1].clone(), cat[1:].clone()
        y[: LENGTH - 1] = -1  # predict at the output positions only
        return x, y


class Block(nn.Module):
    def __init__(self, d, heads, dropout):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.attn, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d), nn.Dropout(dropout))
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (
            t.view(B, T, self.heads, C // self.heads).transpose(1, 2) for t in self.attn(self.ln1(x)).split(C, 2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.drop(self.proj(y.transpose(1, 2).reshape(B, T, C)))
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    def __init__(self, vocab, block_size, d=48, heads=3, layers=2, dropout=0.1):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, d), nn.Embedding(block_size, d)
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.Sequential(*[Block(d, heads, dropout) for _ in range(layers)])
        self.ln_f, self.head = nn.LayerNorm(d), nn.Linear(d, vocab, bias=False)
        self.apply(self._init)
        for name, p in self.named_parameters():
            if name.endswith("proj.weight"):
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * layers))

    @staticmethod
    def _init(m):
        if isinstance(m, (nn.Linear, nn.Embedding)):
            nn.init.normal_(m.weight, std=0.02)
        if isinstance(m, nn.Linear) and m.bias is not None:
            nn.init.zeros_(m.bias)

    def forward(self, idx, targets=None):
        x = self.drop(self.tok(idx) + self.pos(torch.arange(idx.size(1))))
        logits = self.head(self.ln_f(self.blocks(x)))
        loss = None
        if targets is not None:
            loss = F.cross_entropy(logits.reshape(-1, logits.size(-1)), targets.reshape(-1), ignore_index=-1)
        return logits, loss

    @torch.no_grad()
    def generate(self, idx, steps):
        for _ in range(steps):
            logits, _ = self(idx)
            idx = torch.cat((idx, logits[:, -1].argmax(-1, keepdim=True)), dim=1)
        return idx

    def configure_optimizers(self, lr, weight_decay):
        decay = [m.weight for m in self.modules() if isinstance(m, nn.Linear)]
        ids = {id(p) for p in decay}
        rest = [p for p in self.parameters() if id(p) not in ids]
        groups = [{"params": decay, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95))


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    loader = DataLoader(SortDataset("train", seed), batch_size=64, shuffle=True, drop_last=True)
    test = SortDataset("test", seed).inputs
    model = GPT(NUM_DIGITS, 2 * LENGTH - 1)
    optimizer = model.configure_optimizers(lr=2e-3, weight_decay=0.1)

    it, max_iters, warmup = 0, 220, 20
    model.train()
    while it < max_iters:
        for x, y in loader:
            if it >= max_iters:
                break
            ratio = max(0.0, (it - warmup) / (max_iters - warmup))
            lr = 2e-3 * (it + 1) / warmup if it < warmup else 1e-4 + 0.5 * 1.9e-3 * (1 + math.cos(math.pi * ratio))
            for group in optimizer.param_groups:
                group["lr"] = lr
            _, loss = model(x, y)
            model.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            it += 1
            if it % 40 == 0:
                print(f"iter {it}: train loss {loss.item():.5f}")

    model.eval()
    out = model.generate(test, LENGTH)[:, LENGTH:]
    correct = (out == torch.sort(test)[0]).all(1).float().mean().item()
    print(f"{correct:.2%} of {len(test)} unseen lists")
    print(f"score: {correct:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
