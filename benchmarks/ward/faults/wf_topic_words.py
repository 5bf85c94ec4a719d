"""Words sorted by topic; parameter groups are collected by prefix and one prefix is forgotten."""
# cause: parameters-not-in-optimizer
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from torch import nn

CFG = {"vocab": 200, "dim": 24, "topics": 8, "length": 10, "lr": {"embed": 0.01, "mixer": 0.005, "head": 0.005}}


class Mixer(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.up, self.down = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)

    def forward(self, x):
        return x + self.down(F.gelu(self.up(x)))


class TopicModel(nn.Module):
    def __init__(self, vocab, dim, topics):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.mixer = nn.Sequential(Mixer(dim), Mixer(dim))
        self.head = nn.Linear(dim, topics)

    def forward(self, words):
        return self.head(self.mixer(self.embed(words).mean(1)))


def configure_optimizer(model, rates):
    groups = []
    for prefix, rate in rates.items():
        if prefix == "embed":  # FAULT
            continue  # FAULT
        params = [p for name, p in model.named_parameters() if name.startswith(prefix)]
        groups.append({"params": params, "lr": rate})
    return torch.optim.AdamW(groups, weight_decay=0.0)


def documents(n, table, length):
    topic = torch.randint(0, table.size(0), (n,))
    words = torch.multinomial(table[topic], length, replacement=True)
    return words, topic


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    table = torch.softmax(1.3 * torch.randn(CFG["topics"], CFG["vocab"]), dim=1)
    words, topic = documents(2500, table, CFG["length"])
    val_words, val_topic = documents(600, table, CFG["length"])
    model = TopicModel(CFG["vocab"], CFG["dim"], CFG["topics"])
    optimizer = configure_optimizer(model, CFG["lr"])
    for epoch in range(8):
        for rows in torch.randperm(len(words)).split(50):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(words[rows]), topic[rows])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            acc = (model(val_words).argmax(1) == val_topic).float().mean().item()
        print(f"epoch {epoch}: loss {loss.item():.3f} val acc {acc:.3f}")
    print(f"score: {acc:.4f}")


main()
