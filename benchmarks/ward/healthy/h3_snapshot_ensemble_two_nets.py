"""Two independent networks (a wide and a deep one) trained in one loop on the same batches, each with its own
optimizer, with cosine restarts; a snapshot of both is kept at the end of each cycle and the six snapshots vote on the
test set.
"""

import copy
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_gaussian_quantiles

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

X, Y = make_gaussian_quantiles(n_samples=2400, n_features=5, n_classes=3, random_state=seed)
X, Y = torch.tensor(X, dtype=torch.float32), torch.tensor(Y)
mixed = torch.randperm(len(X))
train, test = mixed[:1600], mixed[1600:]

nets = {
    "wide": nn.Sequential(nn.Linear(5, 128), nn.ReLU(), nn.Linear(128, 3)),
    "deep": nn.Sequential(nn.Linear(5, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 3)),
}
optimizers = {name: torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.9) for name, net in nets.items()}
schedulers = {
    name: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=8) for name, opt in optimizers.items()
}
snapshots = []
for epoch in range(24):
    running = dict.fromkeys(nets, 0.0)
    for idx in train[torch.randperm(len(train))].split(64):
        for name, net in nets.items():
            loss = F.cross_entropy(net(X[idx]), Y[idx])
            optimizers[name].zero_grad()
            loss.backward()
            optimizers[name].step()
            running[name] += loss.item() / 25
    for scheduler in schedulers.values():
        scheduler.step()
    if epoch % 8 == 7:
        snapshots += [copy.deepcopy(net).eval() for net in nets.values()]
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1}: " + "  ".join(f"{name} {value:.4f}" for name, value in running.items()))

with torch.no_grad():
    probabilities = torch.stack([net(X[test]).softmax(1) for net in snapshots])
single = (probabilities.argmax(2) == Y[test]).float().mean(1)
print("snapshots:", " ".join(f"{a:.4f}" for a in single.tolist()))
print(f"score: {(probabilities.mean(0).argmax(1) == Y[test]).float().mean().item():.4f}")
