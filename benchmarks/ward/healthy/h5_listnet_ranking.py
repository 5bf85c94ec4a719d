"""Learning to rank with ListNet: the softmax of the scores of a query's ten documents is pulled towards the softmax of
their graded relevances. NDCG@5 on held-out queries, with early stopping by patience on validation queries.
"""

import copy
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
DOCS, FEATURES = 10, 15


def make_queries(n, w):
    x = torch.randn(n, DOCS, FEATURES)
    utility = x @ w[0] + torch.tanh(x @ w[1]) * (x @ w[2]) + 0.4 * torch.randn(n, DOCS)
    relevance = torch.bucketize(utility, torch.tensor([-0.5, 0.8, 1.8, 2.8])).float()
    return x, relevance


def ndcg(scores, relevance, k=5):
    discount = 1 / torch.log2(torch.arange(k) + 2.0)
    gain = (2**relevance - 1).gather(1, scores.topk(k).indices)
    ideal = (2**relevance - 1).topk(k).values
    return ((gain * discount).sum(1) / (ideal * discount).sum(1).clamp(min=1e-6)).mean().item()


def list_net(scores, relevance):
    target = F.softmax(relevance, 1)
    return F.kl_div(F.log_softmax(scores, 1), target, reduction="batchmean")


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    w = torch.randn(3, FEATURES) / FEATURES**0.5
    w[0] *= 1.5
    train, val, test = make_queries(1500, w), make_queries(300, w), make_queries(300, w)
    ranker = nn.Sequential(nn.Linear(FEATURES, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(ranker.parameters(), lr=2e-3, weight_decay=1e-5)
    best, best_state, waited = float("inf"), None, 0
    for epoch in range(1, 31):
        ranker.train()
        total = 0.0
        for idx in torch.randperm(1500).split(30):
            loss = list_net(ranker(train[0][idx]).squeeze(2), train[1][idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / 50
        ranker.eval()
        with torch.no_grad():
            scores = ranker(val[0]).squeeze(2)
            val_loss = list_net(scores, val[1]).item()
        print(f"epoch {epoch}: loss {total:.4f} val loss {val_loss:.4f} val NDCG@5 {ndcg(scores, val[1]):.4f}")
        if val_loss < best - 1e-4:
            best, best_state, waited = val_loss, copy.deepcopy(ranker.state_dict()), 0
        else:
            waited += 1
            if waited == 3:
                print("no improvement for three epochs, stopping")
                break
    ranker.load_state_dict(best_state)
    with torch.no_grad():
        print(f"score: {ndcg(ranker(test[0]).squeeze(2), test[1]):.4f}")


main()
