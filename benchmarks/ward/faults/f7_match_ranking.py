"""Learning to rank documents from query-document features by pairs (RankNet). weights_init was written with a standard
deviation that suited a much narrower network."""
# cause: bad-initialization
# kind: dynamic

import random
import sys

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
random.seed(seed)
torch.manual_seed(seed)
FEATURES = 24


class Queries:
    """Each query has ten documents with a hidden relevance."""

    def __init__(self, n, taste):
        self.x = torch.randn(n, 10, FEATURES)
        signal = torch.tanh(self.x @ taste[0]) + (self.x @ taste[1]) * (self.x @ taste[2]) * 0.7
        self.relevance = signal + 0.3 * torch.randn(n, 10)


def weights_init(module):
    if isinstance(module, nn.Linear):
        module.weight.data.normal_(0.0, 0.5)  # FAULT
        # TWIN: nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        module.bias.data.zero_()


class Scorer(nn.Module):
    def __init__(self):
        super().__init__()
        sizes = [FEATURES, 128, 128, 128, 128]
        layers = []
        for a, b in zip(sizes, sizes[1:]):
            layers += [nn.Linear(a, b), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*layers)
        self.score = nn.Linear(128, 1)

    def forward(self, x):
        return self.score(self.body(x)).squeeze(-1)


def pair_loss(scores, relevance):
    difference = scores.unsqueeze(2) - scores.unsqueeze(1)
    better = (relevance.unsqueeze(2) > relevance.unsqueeze(1)).float()
    return (nn.functional.softplus(-difference) * better).sum() / better.sum()


def concordance(scores, relevance):
    s = scores.unsqueeze(2) - scores.unsqueeze(1)
    r = relevance.unsqueeze(2) - relevance.unsqueeze(1)
    return ((s > 0) & (r > 0)).sum().item() / (r > 0).sum().item()


taste = torch.randn(3, FEATURES) / FEATURES**0.5
train, test = Queries(1500, taste), Queries(300, taste)
model = Scorer()
model.apply(weights_init)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
queries = list(range(1500))
for epoch in range(10):
    random.shuffle(queries)
    running = 0.0
    for start in range(0, 1500, 30):
        chosen = queries[start : start + 30]
        optimizer.zero_grad()
        loss = pair_loss(model(train.x[chosen]), train.relevance[chosen])
        loss.backward()
        optimizer.step()
        running += loss.item()
    with torch.no_grad():
        right = concordance(model(test.x), test.relevance)
    print(f"[{epoch}] pair loss {running / 50:.4f} concordant pairs {right:.4f}")
print(f"score: {right:.4f}")
