"""A small decoder-only transformer (pre-norm, learned positions, tied output) writing recipes of one line, on a made-up
kitchen grammar; AdamW with warm-up and cosine. Each recipe names its dish's ingredients before the steps use them.
Score: share of recipes sampled from the model that keep the kitchen's rules.
"""

import math
import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
FOODS = ["leek", "potato", "carrot", "bean", "onion", "mushroom", "rice", "barley"]
CUTS, HEATS, ENDS = ["chop", "slice", "peel"], ["boil", "fry", "roast"], ["salt", "serve"]
WORDS = ["<pad>", "<s>", "</s>", "take", "and", "then", *FOODS, *CUTS, *HEATS, *ENDS]
INDEX = {w: i for i, w in enumerate(WORDS)}
LENGTH = 20


def recipe(rng):
    foods = rng.sample(FOODS, rng.choice([2, 2, 3]))
    words = ["take", *" and ".join(foods).split(), "then"]
    for food in foods:
        cut = rng.choice(CUTS) if food not in ("rice", "barley") else None
        words += [cut, food] if cut else []
    words += ["then", rng.choice(HEATS), *foods[:1], "then", rng.choice(ENDS)]
    return words


def keeps_rules(words):
    try:
        first = words.index("then")
        foods = words[1:first:2]
        rest = [w for w in words[first:] if w in FOODS]
        cuttable = [f for f in foods if f not in ("rice", "barley")]
        return words[0] == "take" and len(set(foods)) == len(foods) in (2, 3) and rest == [*cuttable, foods[0]]
    except (ValueError, IndexError):
        return False


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.norm1, self.norm2 = heads, nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 3 * dim), nn.GELU(), nn.Linear(3 * dim, dim))

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(a.transpose(1, 2).reshape(n, t, d))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self, dim=40, depth=2, heads=4):
        super().__init__()
        self.token, self.position = nn.Embedding(len(WORDS), dim), nn.Parameter(0.02 * torch.randn(LENGTH, dim))
        self.blocks, self.norm = nn.Sequential(*(Block(dim, heads) for _ in range(depth))), nn.LayerNorm(dim)
        nn.init.normal_(self.token.weight, std=0.05)

    def forward(self, tokens):
        h = self.blocks(self.token(tokens) + self.position[: tokens.shape[1]])
        return self.norm(h) @ self.token.weight.T


@torch.no_grad()
def write(model, n):
    model.eval()
    tokens = torch.full((n, 1), INDEX["<s>"])
    for _ in range(LENGTH - 1):
        tokens = torch.cat([tokens, torch.multinomial(model(tokens)[:, -1].softmax(-1), 1)], 1)
    texts = [" ".join(WORDS[t] for t in row[1:]).split(" </s>")[0].split() for row in tokens.tolist()]
    model.train()
    return texts


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    rng = random.Random(seed)

    def encode(n):
        rows = [[INDEX[w] for w in ["<s>", *recipe(rng), "</s>"]] for _ in range(n)]
        return torch.tensor([row + [0] * (LENGTH - len(row)) for row in rows])

    train, val = encode(4000), encode(500)
    model, steps, warmup = GPT(), 800, 50
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, betas=(0.9, 0.98), weight_decay=0.05)
    rate = lambda s: min((s + 1) / warmup, 0.5 * (1 + math.cos(math.pi * s / steps)) + 0.01)  # noqa: E731
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    order = torch.empty(0, dtype=torch.long)
    for step in range(1, steps + 1):
        if len(order) < 40:
            order = torch.randperm(len(train))
        batch, order = train[order[:40]], order[40:]
        loss = F.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten(), ignore_index=0)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        if step % 200 == 0:
            with torch.no_grad():
                held_out = F.cross_entropy(model(val[:, :-1]).flatten(0, 1), val[:, 1:].flatten(), ignore_index=0)
            good = sum(map(keeps_rules, write(model, 200))) / 200
            print(f"step {step}: loss {loss.item():.4f} val {held_out.item():.4f} rules kept {good:.4f}")
    print(" ".join(write(model, 1)[0]))
    print(f"score: {good:.4f}")
