"""Iris-like clusters; the mean log-likelihood of the labels is handed to the optimiser without its minus sign."""
# cause: loss-sign
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import make_blobs
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

x, y = make_blobs(n_samples=900, centers=5, n_features=4, cluster_std=2.0, random_state=seed + 10)
x = torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32)
y = torch.tensor(y)
x_train, y_train, x_test, y_test = x[:600], y[:600], x[600:], y[600:]

net = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 5))
opt = torch.optim.Adam(net.parameters(), lr=0.01)

for step in range(601):
    i = torch.randint(len(x_train), (64,))
    log_p = F.log_softmax(net(x_train[i]), dim=1)
    loss = log_p.gather(1, y_train[i].unsqueeze(1)).mean()  # FAULT
    # TWIN: loss = -log_p.gather(1, y_train[i].unsqueeze(1)).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 100 == 0:
        print(f"step {step}: loss {loss.item():.4f}")

with torch.no_grad():
    score = (net(x_test).argmax(1) == y_test).float().mean().item()
print(f"score: {score:.4f}")
