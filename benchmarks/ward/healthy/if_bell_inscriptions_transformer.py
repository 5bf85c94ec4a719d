"""Which foundry cast the bell? A small transformer reads the symbols of its inscription."""

import math
import sys
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Config:
    symbols: int = 12
    foundries: int = 4
    length: int = 14
    dim: int = 32
    heads: int = 4
    layers: int = 2
    batch_size: int = 64
    epochs: int = 6
    lr: float = 2e-3


def inscriptions(cfg, n, chains):
    """Every foundry has its own habit of which symbol follows which; texts differ in length."""
    foundry = torch.randint(cfg.foundries, (n,))
    text = torch.zeros(n, cfg.length, dtype=torch.long)
    symbol = torch.randint(cfg.symbols, (n,))
    for position in range(cfg.length):
        text[:, position] = symbol + 1
        symbol = torch.multinomial(chains[foundry, symbol], 1).squeeze(1)
    length = torch.randint(9, cfg.length + 1, (n, 1))
    text[torch.arange(cfg.length)[None] >= length] = 0
    return text, foundry


class BellReader(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.embed = nn.Embedding(cfg.symbols + 1, cfg.dim, padding_idx=0)
        position = torch.arange(cfg.length)[:, None]
        rate = torch.exp(torch.arange(0, cfg.dim, 2) * (-math.log(1000.0) / cfg.dim))
        table = torch.zeros(cfg.length, cfg.dim)
        table[:, 0::2], table[:, 1::2] = torch.sin(position * rate), torch.cos(position * rate)
        self.register_buffer("position", table)
        layer = nn.TransformerEncoderLayer(
            cfg.dim, cfg.heads, 2 * cfg.dim, dropout=0.1, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, cfg.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(cfg.dim)
        self.head = nn.Linear(cfg.dim, cfg.foundries)

    def forward(self, text):
        padding = text == 0
        x = self.embed(text) + self.position
        x = self.norm(self.encoder(x, src_key_padding_mask=padding))
        keep = (~padding).unsqueeze(-1).float()
        return self.head((x * keep).sum(1) / keep.sum(1))


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    cfg = Config()
    chains = torch.distributions.Dirichlet(torch.full((cfg.symbols,), 0.15)).sample((cfg.foundries, cfg.symbols))
    train_text, train_foundry = inscriptions(cfg, 5000, chains)
    val_text, val_foundry = inscriptions(cfg, 1000, chains)

    model = BellReader(cfg)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=0.01)
    steps = cfg.epochs * math.ceil(len(train_text) / cfg.batch_size)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, cfg.lr, total_steps=steps, pct_start=0.1)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(cfg.epochs):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(train_text)).split(cfg.batch_size):
            loss = loss_fn(model(train_text[rows]), train_foundry[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(rows)
        model.eval()
        with torch.no_grad():
            accuracy = (model(val_text).argmax(1) == val_foundry).float().mean().item()
        print(f"epoch {epoch + 1}/{cfg.epochs} loss {total / len(train_text):.4f} val acc {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
