"""A micro-GPT on a character corpus; Muon for the hidden matrices and AdamW for embeddings, head and norms.

After nanoGPT (https://github.com/karpathy/nanoGPT) and Muon (https://github.com/KellerJordan/Muon).
"""

import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

BLOCK, N_EMBD, N_HEAD, N_LAYER = 24, 48, 4, 2


def make_text(n, rng):
    names, verbs = ["romeo", "juliet", "hamlet", "duke", "king"], ["loves", "fears", "sees", "greets", "slays"]
    adjectives, nouns = ["sweet", "bold", "old", "dark"], ["night", "crown", "sword", "rose", "sea"]
    lines = []
    while sum(map(len, lines)) < n:
        speaker = rng.choice(names)
        lines.append(
            f"{speaker}: the {rng.choice(adjectives)} {rng.choice(nouns)} {rng.choice(verbs)} {rng.choice(names)}.\n"
        )
    return "".join(lines)


def newton_schulz(g, steps=5):
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.mT if g.size(0) > g.size(1) else g
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        A = x @ x.mT
        x = a * x + (b * A + c * A @ A) @ x
    return x.mT if g.size(0) > g.size(1) else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr=0.02, momentum=0.95):
        super().__init__(params, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                buf = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
                buf.lerp_(p.grad, 1 - group["momentum"])
                update = newton_schulz(p.grad.lerp(buf, group["momentum"]))
                p.add_(update, alpha=-group["lr"] * max(1, p.size(0) / p.size(1)) ** 0.5)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(N_EMBD), nn.LayerNorm(N_EMBD)
        self.c_attn, self.c_proj = nn.Linear(N_EMBD, 3 * N_EMBD, bias=False), nn.Linear(N_EMBD, N_EMBD, bias=False)
        self.c_fc, self.c_out = nn.Linear(N_EMBD, 4 * N_EMBD, bias=False), nn.Linear(4 * N_EMBD, N_EMBD, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (z.view(B, T, N_HEAD, -1).transpose(1, 2) for z in self.c_attn(self.ln_1(x)).split(C, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(y.transpose(1, 2).reshape(B, T, C))
        return x + self.c_out(F.gelu(self.c_fc(self.ln_2(x))))


class GPT(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab, N_EMBD), nn.Embedding(BLOCK, N_EMBD)
        self.h = nn.Sequential(*[Block() for _ in range(N_LAYER)])
        self.ln_f, self.lm_head = nn.LayerNorm(N_EMBD), nn.Linear(N_EMBD, vocab, bias=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(
                    p, std=0.02 / (2 * N_LAYER) ** 0.5 if name.endswith(("c_proj.weight", "c_out.weight")) else 0.02
                )

    def forward(self, idx, targets):
        x = self.wte(idx) + self.wpe(torch.arange(idx.size(1)))
        logits = self.lm_head(self.ln_f(self.h(x)))
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    text = make_text(60_000, random.Random(seed))
    chars = sorted(set(text))
    data = torch.tensor([chars.index(c) for c in text])
    n = int(0.9 * len(data))
    splits = {"train": data[:n], "val": data[n:]}

    def get_batch(split, batch=32):
        d = splits[split]
        ix = torch.randint(len(d) - BLOCK, (batch, 1)) + torch.arange(BLOCK)
        return d[ix], d[ix + 1]

    @torch.no_grad()
    def estimate_loss(iters=10):
        model.eval()
        out = {s: sum(model(*get_batch(s)).item() for _ in range(iters)) / iters for s in splits}
        model.train()
        return out

    model = GPT(len(chars))
    hidden = [p for p in model.h.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if not any(p is q for q in hidden)]
    optimizers = [Muon(hidden, lr=0.02), torch.optim.AdamW(others, lr=5e-3, betas=(0.9, 0.95), weight_decay=0.0)]
    max_iters = 180
    warm_down = lambda it: min(1.0, (it + 1) / 10, (max_iters - it) / (0.4 * max_iters))
    schedulers = [torch.optim.lr_scheduler.LambdaLR(o, warm_down) for o in optimizers]
    for it in range(max_iters):
        if it % 45 == 0:
            losses = estimate_loss()
            print(f"step {it}: train loss {losses['train']:.4f}, val loss {losses['val']:.4f}")
        loss = model(*get_batch("train"))
        model.zero_grad(set_to_none=True)
        loss.backward()
        for opt, sched in zip(optimizers, schedulers):
            opt.step()
            sched.step()
    val = estimate_loss(20)["val"]
    counts = torch.bincount(splits["train"], minlength=len(chars)).float()
    unigram = -(counts / counts.sum()).log()[splits["val"]].mean().item()
    print(f"val loss {val:.4f} (unigram {unigram:.4f})")
    print(f"score: {-val:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
