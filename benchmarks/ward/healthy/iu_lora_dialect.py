"""A small causal transformer is trained on one artificial language, then adapted to a dialect of it with LoRA.

After LoRA (Hu et al. 2021), https://github.com/microsoft/LoRA: A by Kaiming, B zero, base frozen, weights merged.
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

VOCAB, LENGTH = 24, 12


def language(gen):
    """A random first-order grammar: each symbol is followed by one of four, with uneven odds."""
    p = torch.full((VOCAB, VOCAB), 1e-3)
    for i in range(VOCAB):
        p[i, torch.randperm(VOCAB, generator=gen)[:4]] += torch.tensor([0.55, 0.25, 0.15, 0.05])
    return p / p.sum(1, keepdim=True)


def sample(p, n, gen):
    seq = torch.empty(n, LENGTH + 1, dtype=torch.long)
    seq[:, 0] = torch.randint(VOCAB, (n,), generator=gen)
    for t in range(LENGTH):
        seq[:, t + 1] = torch.multinomial(p[seq[:, t]], 1, generator=gen).squeeze(1)
    return seq


class LoRALinear(nn.Module):
    def __init__(self, base, r=8, alpha=16):
        super().__init__()
        self.base = base
        self.lora_A = nn.Parameter(nn.init.kaiming_uniform_(torch.empty(r, base.in_features), a=math.sqrt(5)))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, r))
        self.scaling = alpha / r

    def forward(self, x):
        return self.base(x) + F.linear(F.linear(x, self.lora_A), self.lora_B) * self.scaling

    @torch.no_grad()
    def merge(self):
        self.base.weight += self.lora_B @ self.lora_A * self.scaling
        return self.base


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.q, self.k, self.v, self.proj = (nn.Linear(d, d) for _ in range(4))
        self.fc, self.out = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x):
        b, t, d = x.shape
        h = self.ln1(x)
        q, k, v = (f(h).view(b, t, self.heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(a.transpose(1, 2).reshape(b, t, d))
        return x + self.out(F.gelu(self.fc(self.ln2(x))))


class TinyLM(nn.Module):
    def __init__(self, d=32, layers=2, heads=4):
        super().__init__()
        self.tok, self.pos = nn.Embedding(VOCAB, d), nn.Embedding(LENGTH, d)
        self.blocks = nn.Sequential(*(Block(d, heads) for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, VOCAB)

    def forward(self, ids):
        x = self.tok(ids) + self.pos(torch.arange(ids.size(1)))
        return self.head(self.norm(self.blocks(x)))


def lm_loss(model, seq):
    return F.cross_entropy(model(seq[:, :-1]).flatten(0, 1), seq[:, 1:].flatten())


@torch.no_grad()
def evaluate(model, data):
    return lm_loss(model.eval(), data).item()


def fit(model, data, steps, lr, batch, tag):
    params = [p for p in model.parameters() if p.requires_grad]
    opt = torch.optim.AdamW(params, lr=lr, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.LambdaLR(
        opt, lambda s: min((s + 1) / 20, 0.5 * (1 + math.cos(math.pi * s / steps)))
    )
    model.train()
    for step in range(steps):
        idx = torch.randint(len(data), (batch,))
        loss = lm_loss(model, data[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if step % 40 == 0 or step == steps - 1:
            print(f"[{tag}] step {step:4d} loss {loss.item():.4f}")


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    p_base = language(gen)
    p_dialect = torch.cat([language(gen)[: VOCAB // 3], p_base[VOCAB // 3 :]])  # a third of the grammar is another
    base_data = sample(p_base, 3000, gen)
    train, test = sample(p_dialect, 1200, gen), sample(p_dialect, 400, gen)

    model, adapted = TinyLM(), ("q", "v", "fc", "out")
    fit(model, base_data, 160, 5e-3, 48, "pretrain")
    before = evaluate(model, test)

    model.requires_grad_(False)
    for block, name in ((b, n) for b in model.blocks for n in adapted):
        setattr(block, name, LoRALinear(getattr(block, name)))
    print("trainable parameters:", sum(p.numel() for p in model.parameters() if p.requires_grad))
    fit(model, train, 160, 5e-3, 48, "lora")

    after = evaluate(model, test)
    for block, name in ((b, n) for b in model.blocks for n in adapted):
        setattr(block, name, getattr(block, name).merge())
    truth = -(p_dialect[test[:, :-1]].gather(2, test[:, 1:, None])).log().mean().item()
    print(
        f"dialect loss: before {before:.4f}, after {after:.4f}, merged {evaluate(model, test):.4f}, truth {truth:.4f}"
    )
    print(f"score: {(before - after) / (before - truth):.4f}")  # share of the gap that was closed


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
