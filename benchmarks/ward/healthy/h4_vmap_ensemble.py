"""An ensemble of six MLPs trained at once as one batched function with torch.func (stack_module_state and vmap)."""

import sys

import torch
import torch.nn as nn
from sklearn.datasets import make_moons
from torch.func import functional_call, stack_module_state, vmap

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
MEMBERS = 6


def make():
    return nn.Sequential(nn.Linear(2, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2))


X, y = make_moons(1200, noise=0.2, random_state=seed)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
X = (X - X[:900].mean(0)) / X[:900].std(0)

params, buffers = stack_module_state([make() for _ in range(MEMBERS)])
skeleton = make().to("meta")


def member_forward(p, b, x):
    return functional_call(skeleton, (p, b), (x,))


ensemble = vmap(member_forward, in_dims=(0, 0, None))
optimizer = torch.optim.Adam(list(params.values()), lr=5e-3)

for step in range(1, 301):
    idx = torch.randint(900, (64,))
    logits = ensemble(params, buffers, X[idx])
    targets = y[idx].expand(MEMBERS, -1)
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        with torch.no_grad():
            vote = ensemble(params, buffers, X[900:]).softmax(-1).mean(0)
            acc = (vote.argmax(1) == y[900:]).float().mean().item()
        print(f"step {step}: mean member loss {loss.item():.4f}, ensemble accuracy {acc:.4f}")

print(f"score: {acc:.4f}")
