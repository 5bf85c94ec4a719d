"""Hand-made three-layer sigmoid network on digits whose matrices come from torch.rand (all in [0, 1)) instead of a
small centred draw: with positive pixels, every hidden unit sits on the flat part of its sigmoid."""
# cause: saturated-units
# accept: bad-initialization
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

data = load_digits()
x = torch.tensor(data.data, dtype=torch.float32) / 16
y = torch.tensor(data.target)
perm = torch.randperm(len(x))
train, test = perm[:1400], perm[1400:]


def matrix(n_in, n_out):
    w = torch.rand(n_in, n_out)  # FAULT
    # TWIN: w = torch.randn(n_in, n_out) / n_in**0.5
    return w.requires_grad_()


W1, b1 = matrix(64, 50), torch.zeros(50, requires_grad=True)
W2, b2 = matrix(50, 30), torch.zeros(30, requires_grad=True)
W3, b3 = matrix(30, 10), torch.zeros(10, requires_grad=True)
params = [W1, b1, W2, b2, W3, b3]


def net(inp):
    h1 = torch.sigmoid(inp @ W1 + b1)
    h2 = torch.sigmoid(h1 @ W2 + b2)
    return h2 @ W3 + b3


opt = torch.optim.Adam(params, lr=0.01)
for epoch in range(25):
    shuffled = train[torch.randperm(len(train))]
    for k in range(0, len(shuffled), 70):
        idx = shuffled[k : k + 70]
        loss = F.cross_entropy(net(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    if epoch % 4 == 0:
        with torch.no_grad():
            val = F.cross_entropy(net(x[test]), y[test])
        print("epoch", epoch, "train loss", round(loss.item(), 4), "val loss", round(val.item(), 4))

with torch.no_grad():
    acc = (net(x[test]).argmax(1) == y[test]).float().mean()
print(f"score: {acc.item():.4f}")
