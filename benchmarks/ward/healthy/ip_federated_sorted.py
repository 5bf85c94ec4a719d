"""Federated averaging where each of eight clients holds only two or three classes (by design, label-sorted shards): the
local losses fall to almost nothing within a round and jump back at the next, as the server averages the weights. Five
of them take part in a round; plain SGD without state. Score: the server model's test accuracy.
"""

import copy
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)


class Client:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def update(self, server, lr, epochs=2):
        model = copy.deepcopy(server).train()
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        for _ in range(epochs):
            for index in torch.randperm(len(self.x)).split(20):
                loss = F.cross_entropy(model(self.x[index]), self.y[index])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return model.state_dict(), len(self.x), loss.item()


def average(states, sizes):
    total = sum(sizes)
    return {k: sum(s[k] * (n / total) for s, n in zip(states, sizes)) for k in states[0]}


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def main(seed):
    torch.manual_seed(seed)
    digits = load_digits()
    x, y = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 8 - 1, torch.tensor(digits.target)
    order = torch.randperm(len(x))
    train, val, test = order[:1200], order[1200:1450], order[1450:]
    train = train[y[train].argsort(stable=True)]
    shards = train.chunk(16)
    deal = torch.randperm(16).view(8, 2)
    clients = []
    for pair in deal:
        index = torch.cat([shards[i] for i in pair.tolist()])
        clients.append(Client(x[index], y[index]))
    server = nn.Sequential(nn.Flatten(), nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10))
    rounds = 120
    for r in range(1, rounds + 1):
        chosen = torch.randperm(len(clients))[:5].tolist()
        lr = 0.05 * (1 - 0.9 * r / rounds)
        states, sizes, losses = zip(*[clients[c].update(server, lr) for c in chosen])
        server.load_state_dict(average(states, sizes))
        if r % 8 == 0:
            local = ", ".join(f"{v:.3f}" for v in losses)
            print(f"round {r}: local [{local}] server validation accuracy {accuracy(server, x[val], y[val]):.4f}")
    print(f"score: {accuracy(server, x[test], y[test]):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
