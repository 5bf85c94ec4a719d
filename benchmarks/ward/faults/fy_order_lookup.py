"""A one-layer transformer that answers look-up questions: the context lists orders (a product and its shelf),
the last token asks for one product, and the answer is the shelf it stands on.
"""
# cause: dropout-in-evaluation
# kind: dynamic

import sys
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Config:
    products: int = 24
    shelves: int = 12
    context: int = 8
    dim: int = 48
    heads: int = 1
    layers: int = 1
    dropout: float = 0.3
    steps: int = 500
    batch_size: int = 64
    lr: float = 3e-3


def sample_batch(cfg, n, gen):
    product = torch.rand(n, cfg.products, generator=gen).argsort(dim=1)[:, : cfg.context]
    shelf = torch.randint(0, cfg.shelves, (n, cfg.context), generator=gen)
    asked = torch.randint(0, cfg.context, (n, 1), generator=gen)
    question = product.gather(1, asked)
    answer = shelf.gather(1, asked).squeeze(1)
    products = torch.cat([product, question], dim=1)
    shelves = torch.cat([shelf, torch.full((n, 1), cfg.shelves)], dim=1)  # last id: "which shelf?"
    return products, shelves, answer


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.heads, self.dropout = cfg.heads, cfg.dropout
        self.qkv = nn.Linear(cfg.dim, 3 * cfg.dim)
        self.proj = nn.Linear(cfg.dim, cfg.dim)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout)  # FAULT
        # TWIN: y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout if self.training else 0.0)
        return self.proj(y.transpose(1, 2).reshape(b, t, d))


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(cfg.dim), nn.LayerNorm(cfg.dim)
        self.attn = Attention(cfg)
        self.mlp = nn.Sequential(nn.Linear(cfg.dim, 2 * cfg.dim), nn.GELU(), nn.Linear(2 * cfg.dim, cfg.dim))

    def forward(self, x):
        x = x + self.attn(self.n1(x))
        return x + self.mlp(self.n2(x))


class LookupTransformer(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.product = nn.Embedding(cfg.products, cfg.dim)
        self.shelf = nn.Embedding(cfg.shelves + 1, cfg.dim)
        self.blocks = nn.ModuleList([Block(cfg) for _ in range(cfg.layers)])
        self.norm = nn.LayerNorm(cfg.dim)
        self.head = nn.Linear(cfg.dim, cfg.shelves)

    def forward(self, products, shelves):
        x = self.product(products) + self.shelf(shelves)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, -1]))


@torch.no_grad()
def accuracy(model, batch):
    model.eval()
    products, shelves, answer = batch
    correct = (model(products, shelves).argmax(1) == answer).float().mean().item()
    model.train()
    return correct


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    cfg = Config()
    gen = torch.Generator().manual_seed(seed)
    validation = sample_batch(cfg, 1000, gen)
    model = LookupTransformer(cfg)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=0.01)
    for step in range(1, cfg.steps + 1):
        products, shelves, answer = sample_batch(cfg, cfg.batch_size, gen)
        loss = F.cross_entropy(model(products, shelves), answer)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 50 == 0:
            print(f"step {step:4d} loss {loss.item():.4f} val acc {accuracy(model, validation):.4f}")
    print(f"score: {accuracy(model, validation):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
