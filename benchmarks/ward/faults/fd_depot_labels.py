"""Routes parcels: from the tokens of an address line to one of fifty depots, with a small text CNN.

The network hands out the probabilities that the sorting machine shows on its screen.
"""
# cause: softmax-twice
# kind: dynamic

import argparse
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Config:
    depots: int = 50
    vocabulary: int = 500
    tokens: int = 9
    embedding: int = 32
    filters: int = 64
    epochs: int = 7
    batch_size: int = 60
    lr: float = 3e-3


def addresses(cfg, count, streets, gen):
    """Five tokens of an address are typical of its depot, the others are common words."""
    depot = torch.randint(cfg.depots, (count,), generator=gen)
    tokens = torch.randint(cfg.vocabulary, (count, cfg.tokens), generator=gen)
    start = torch.randint(cfg.tokens - 4, (count,), generator=gen)
    for offset in range(5):
        pick = torch.randint(streets.shape[1], (count,), generator=gen)
        tokens[torch.arange(count), start + offset] = streets[depot, pick]
    return tokens, depot


class AddressNet(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.embed = nn.Embedding(cfg.vocabulary, cfg.embedding)
        self.conv = nn.Conv1d(cfg.embedding, cfg.filters, kernel_size=3, padding=1)
        self.dropout = nn.Dropout(0.1)
        self.out = nn.Linear(cfg.filters, cfg.depots)

    def forward(self, tokens):
        x = self.embed(tokens).transpose(1, 2)
        x = F.relu(self.conv(x)).amax(dim=2)
        x = self.out(self.dropout(x))
        x = torch.softmax(x, dim=1)  # FAULT
        return x


class Trainer:
    def __init__(self, model, cfg):
        self.model, self.cfg = model, cfg
        self.optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
        self.criterion = nn.CrossEntropyLoss()
        self.history = []

    def fit(self, tokens, depot):
        for epoch in range(self.cfg.epochs):
            self.model.train()
            losses = []
            for rows in torch.randperm(len(depot)).split(self.cfg.batch_size):
                loss = self.criterion(self.model(tokens[rows]), depot[rows])
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                losses.append(loss.item())
            self.history.append(sum(losses) / len(losses))
            print(f"[{epoch + 1}/{self.cfg.epochs}] loss={self.history[-1]:.4f}")

    @torch.no_grad()
    def accuracy(self, tokens, depot):
        self.model.eval()
        return (self.model(tokens).argmax(1) == depot).float().mean().item()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    cfg = Config()
    gen = torch.Generator().manual_seed(args.seed)
    streets = torch.randint(cfg.vocabulary, (cfg.depots, 14), generator=gen)
    train = addresses(cfg, 12000, streets, gen)
    test = addresses(cfg, 2000, streets, gen)
    trainer = Trainer(AddressNet(cfg), cfg)
    trainer.fit(*train)
    print("train accuracy", round(trainer.accuracy(*train), 4))
    print(f"score: {trainer.accuracy(*test):.4f}")
