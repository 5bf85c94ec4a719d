"""Iterative magnitude pruning with torch.nn.utils.prune: train, cut 45 % of the remaining weights, train on, four times
over, ending with about nine weights in a hundred. Score: test accuracy of the pruned network.
"""

import sys

import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.nn.utils import prune

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, Y = make_classification(
    4000, 20, n_informative=8, n_redundant=4, n_classes=3, n_clusters_per_class=1, class_sep=1.6, random_state=seed
)
X, Y = torch.tensor(X, dtype=torch.float32), torch.tensor(Y)
Xtr, Ytr, Xte, Yte = X[:3000], Y[:3000], X[3000:], Y[3000:]
mu, sd = Xtr.mean(0), Xtr.std(0)
Xtr, Xte = (Xtr - mu) / sd, (Xte - mu) / sd

net = nn.Sequential(nn.Linear(20, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 3))
layers = [(net[0], "weight"), (net[2], "weight")]
ce = nn.CrossEntropyLoss()


def train(epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
    for _ in range(epochs):
        for b in torch.randperm(len(Xtr)).split(75):
            optimizer.zero_grad()
            loss = ce(net(Xtr[b]), Ytr[b])
            loss.backward()
            optimizer.step()


@torch.no_grad()
def report(name):
    out = net(Xte)
    acc = out.argmax(1).eq(Yte).float().mean().item()
    kept = sum(int((getattr(m, n) != 0).sum()) for m, n in layers)
    total = sum(getattr(m, n).numel() for m, n in layers)
    print(f"{name:10s} weights {kept / total:6.1%}  test loss {ce(out, Yte).item():.4f}  accuracy {acc:.4f}")
    return acc


train(6, 0.03)
report("dense")
for r in range(4):
    prune.global_unstructured(layers, pruning_method=prune.L1Unstructured, amount=0.45)
    report(f"cut {r + 1}")
    train(4, 0.02)
    score = report(f"tuned {r + 1}")
for module, name in layers:
    prune.remove(module, name)
print(f"score: {score:.4f}")
