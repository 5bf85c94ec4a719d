"""Answers to questions are ranked by ListNet, one question at a time: a softmax over its answers, of which some
questions have a single one. Score: mean reciprocal rank.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


def questions(n, weight):
    found = []
    for _ in range(n):
        x = torch.randn(int(torch.randint(1, 9, ())), 6)
        found.append((x, x @ weight + torch.sin(2 * x[:, 0])))
    return found


def main(seed):
    torch.manual_seed(seed)
    weight = torch.randn(6)
    train, held = questions(400, weight), questions(200, weight)
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(6):
        for i in torch.randperm(400).tolist():
            x, gain = train[i]
            score = net(x)
            loss = -(gain.softmax(0)[:, None] * F.log_softmax(score, dim=0)).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    ranks = []
    with torch.no_grad():
        for x, gain in held:
            order = net(x).squeeze(1).argsort(descending=True)
            ranks.append(1 / (1 + (order == gain.argmax()).nonzero().item()))
    print(f"score: {sum(ranks) / len(ranks):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
