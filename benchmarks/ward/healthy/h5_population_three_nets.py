"""Population-based training: three nets learn side by side, and after every round the worst copies the weights of the
best and a perturbed version of its learning rate. The digits' validation third decides, the test third is scored.
"""

import copy
import random
import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
random.seed(seed)

data = load_digits()
perm = torch.randperm(len(data.target))
X = torch.tensor(data.data, dtype=torch.float32)[perm] / 16 - 0.5
y = torch.tensor(data.target)[perm]
(X_tr, X_va, X_te), (y_tr, y_va, y_te) = X.split([1197, 300, 300]), y.split([1197, 300, 300])


def new_member(lr):
    net = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Dropout(0.25), nn.Linear(48, 10))
    opt = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9, weight_decay=1e-3)
    return {"net": net, "opt": opt}


def train_one_epoch(member):
    member["net"].train()
    for idx in torch.randperm(len(X_tr)).split(32):
        loss = F.cross_entropy(member["net"](X_tr[idx]), y_tr[idx])
        member["opt"].zero_grad()
        loss.backward()
        member["opt"].step()
    return loss.item()


@torch.no_grad()
def evaluate(net, X, y):
    net.eval()
    out = net(X)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


population = [new_member(lr) for lr in (0.02, 0.04, 0.08)]
for round_ in range(8):
    for member in population:
        for _ in range(2):
            train_one_epoch(member)
        member["train_loss"] = evaluate(member["net"], X_tr, y_tr)[0]
        member["val_loss"], member["val_acc"] = evaluate(member["net"], X_va, y_va)
    population.sort(key=lambda m: m["val_loss"])
    print(f"round {round_}")
    for member in population:
        lr = member["opt"].param_groups[0]["lr"]
        print(
            f"  lr {lr:.4f} train {member['train_loss']:.4f} val {member['val_loss']:.4f} acc {member['val_acc']:.4f}"
        )
    best, worst = population[0], population[-1]
    worst["net"].load_state_dict(best["net"].state_dict())
    worst["opt"].load_state_dict(copy.deepcopy(best["opt"].state_dict()))
    for group in worst["opt"].param_groups:
        group["lr"] = min(0.1, max(0.01, group["lr"] * random.choice([0.7, 1.3])))

print(f"score: {evaluate(population[0]['net'], X_te, y_te)[1]:.4f}")
