"""Co-teaching: 30 % of the training labels are random, and two networks exchange their small-loss examples,
each learning only from what its peer trusts. The kept fraction shrinks from 1 to 0.7 over the first epochs.
Tested on clean labels."""

import argparse

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

torch.set_num_threads(1)

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("seed", type=int, nargs="?", default=0)
parser.add_argument("--noise", type=float, default=0.3)
parser.add_argument("--epochs", type=int, default=25)
parser.add_argument("--ramp", type=int, default=10)
args = parser.parse_args()
torch.manual_seed(args.seed)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=args.seed, stratify=y)
X_train, X_test = (torch.tensor(a, dtype=torch.float32) for a in (X_train, X_test))
y_clean, y_test = torch.tensor(y_train), torch.tensor(y_test)
flip = torch.rand(len(y_clean)) < args.noise
y_noisy = torch.where(flip, torch.randint(0, 10, y_clean.shape), y_clean)


def mlp():
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))


net_a, net_b = mlp(), mlp()
opt_a = torch.optim.Adam(net_a.parameters(), lr=1e-3)
opt_b = torch.optim.Adam(net_b.parameters(), lr=1e-3)


@torch.no_grad()
def trusted(net, x, t, n):
    return F.cross_entropy(net(x), t, reduction="none").argsort()[:n]


for epoch in range(args.epochs):
    keep = 1 - args.noise * min(1.0, epoch / args.ramp)
    pure = seen = 0
    for idx in torch.randperm(len(X_train)).split(96):
        x, t = X_train[idx], y_noisy[idx]
        n = int(keep * len(idx))
        from_a, from_b = trusted(net_a, x, t, n), trusted(net_b, x, t, n)
        for net, opt, chosen in ((net_a, opt_a, from_b), (net_b, opt_b, from_a)):
            loss = F.cross_entropy(net(x[chosen]), t[chosen])
            opt.zero_grad()
            loss.backward()
            opt.step()
        pure += (t[from_a] == y_clean[idx][from_a]).sum().item()
        seen += n
    if epoch % 4 == 0 or epoch == args.epochs - 1:
        print(f"epoch {epoch:2d}  keep {keep:.2f}  label precision of kept examples {pure / seen:.3f}")

with torch.no_grad():
    acc_a = (net_a(X_test).argmax(1) == y_test).float().mean().item()
    acc_b = (net_b(X_test).argmax(1) == y_test).float().mean().item()
print(f"accuracy A {acc_a:.4f}  accuracy B {acc_b:.4f}")
print(f"score: {(acc_a + acc_b) / 2:.4f}")
