"""A deep ensemble: three nets from different initialisations, trained side by side, probabilities averaged."""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0

X, y = load_digits(return_X_y=True)
X = torch.tensor(X, dtype=torch.float32) / 16.0
y = torch.tensor(y, dtype=torch.long)
generator = torch.Generator().manual_seed(seed)
perm = torch.randperm(len(X), generator=generator)
train_idx, test_idx = perm[:1297], perm[1297:]

models, optimizers = [], []
for member in range(3):
    torch.manual_seed(100 * seed + member)
    net = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
    models.append(net)
    optimizers.append(torch.optim.Adam(net.parameters(), lr=3e-3))
loss_function = nn.CrossEntropyLoss()

for epoch in range(12):
    losses = [0.0] * len(models)
    for m, (net, opt) in enumerate(zip(models, optimizers, strict=True)):
        net.train()
        order = train_idx[torch.randperm(len(train_idx), generator=generator)]
        for idx in order.split(64):
            opt.zero_grad()
            loss = loss_function(net(X[idx]), y[idx])
            loss.backward()
            opt.step()
            losses[m] += loss.item() * len(idx) / len(train_idx)
    print(f"epoch {epoch + 1}", " ".join(f"net{m}: {value:.4f}" for m, value in enumerate(losses)))

with torch.no_grad():
    probs = torch.stack([net.eval()(X[test_idx]).softmax(dim=1) for net in models])
single = [(p.argmax(1) == y[test_idx]).float().mean().item() for p in probs]
ensemble = (probs.mean(0).argmax(1) == y[test_idx]).float().mean().item()
print("single nets:", [round(a, 4) for a in single])
print(f"score: {ensemble:.4f}")
