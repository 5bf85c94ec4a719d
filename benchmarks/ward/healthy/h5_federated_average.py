"""Federated averaging: four clients whose digits differ in class proportions train copies of the global net for a few
local steps each round with a fresh optimizer, and the server averages their weights by data size.
"""

import argparse
import copy

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.set_num_threads(1)


def make_net():
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def split_clients(y, clients, rng):
    owner = np.empty(len(y), dtype=int)
    for digit in range(10):
        share = rng.dirichlet(np.full(clients, 3.0))
        rows = np.flatnonzero(y == digit)
        owner[rows] = rng.choice(clients, size=len(rows), p=share)
    return [np.flatnonzero(owner == c) for c in range(clients)]


def local_training(global_net, x, y, lr, epochs=2):
    net = copy.deepcopy(global_net)
    opt = torch.optim.SGD(net.parameters(), lr=lr)
    total, seen = 0.0, 0
    for _ in range(epochs):
        for idx in torch.randperm(len(x)).split(20):
            loss = nn.functional.cross_entropy(net(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total, seen = total + loss.item() * len(idx), seen + len(idx)
    return net.state_dict(), total / seen


def average(states, sizes):
    total = sum(sizes)
    return {k: sum(s[k] * (n / total) for s, n in zip(states, sizes)) for k in states[0]}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("seed", type=int, nargs="?", default=0)
    p.add_argument("--rounds", type=int, default=12)
    p.add_argument("--clients", type=int, default=4)
    args = p.parse_args()
    torch.manual_seed(args.seed)

    X, y = load_digits(return_X_y=True)
    X = ((X - 8) / 6).astype(np.float32)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=args.seed)
    shards = split_clients(y_train, args.clients, np.random.default_rng(args.seed))
    clients = [(torch.from_numpy(X_train[s]), torch.from_numpy(y_train[s])) for s in shards]
    X_test, y_test = torch.from_numpy(X_test), torch.from_numpy(y_test)
    print("client sizes", [len(s) for s in shards])

    server = make_net()
    for round_ in range(args.rounds):
        lr = 0.1 * 0.93**round_
        results = [local_training(server, cx, cy, lr) for cx, cy in clients]
        server.load_state_dict(average([r[0] for r in results], [len(s) for s in shards]))
        with torch.no_grad():
            out = server(X_test)
        acc = (out.argmax(1) == y_test).float().mean().item()
        local = " ".join(f"{r[1]:.3f}" for r in results)
        test_loss = nn.functional.cross_entropy(out, y_test).item()
        print(f"round {round_ + 1:2d} local losses {local} | global test loss {test_loss:.3f} acc {acc:.4f}")
    print(f"score: {acc:.4f}")


if __name__ == "__main__":
    main()
