"""Learn the couplings of an Ising model (spins of 20 interacting units) from Gibbs samples by pseudo-likelihood.

After each SGD step the coupling matrix gets a soft-threshold (proximal L1), is made symmetric and loses its
diagonal, all in place under no_grad. Score: pseudo-log-likelihood gain per spin over independent spins, held out.
"""

import sys

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
N = 20

pattern = torch.triu((torch.rand(N, N) < 0.15).float(), diagonal=1)
true_j = pattern * (0.35 + 0.35 * torch.rand(N, N)) * torch.randint(0, 2, (N, N)).mul(2).sub(1)
true_j = true_j + true_j.T
true_h = 0.2 * torch.randn(N)


def gibbs(chains, sweeps):
    s = torch.randint(0, 2, (chains, N)).float() * 2 - 1
    for _ in range(sweeps):
        for i in range(N):
            up = torch.sigmoid(2 * (s @ true_j[:, i] + true_h[i]))
            s[:, i] = torch.bernoulli(up) * 2 - 1
    return s


def pseudo_nll(spins, couplings, field):
    """Mean over spins of -log p(s_i | all the others)."""
    return F.softplus(-2 * spins * (spins @ couplings + field)).mean()


train, held_out = gibbs(3000, 60), gibbs(1500, 60)
couplings = torch.zeros(N, N, requires_grad=True)
field = torch.zeros(N, requires_grad=True)
lr, shrink = 0.5, 0.0002
optimizer = torch.optim.SGD([couplings, field], lr=lr)

for epoch in range(25):
    total = 0.0
    for batch in train[torch.randperm(len(train))].split(100):
        optimizer.zero_grad()
        loss = pseudo_nll(batch, couplings, field)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            couplings.copy_((couplings + couplings.T) / 2)
            couplings.copy_(F.softshrink(couplings, lr * shrink))
            couplings.fill_diagonal_(0.0)
        total += loss.item() / 30
    if epoch % 4 == 0:
        with torch.no_grad():
            validation = pseudo_nll(held_out, couplings, field).item()
        print(f"epoch {epoch:2d}  train {total:.4f}  held out {validation:.4f}")

with torch.no_grad():
    magnetisation = train.mean(0)
    independent = pseudo_nll(held_out, torch.zeros(N, N), torch.atanh(magnetisation)).item()
    model = pseudo_nll(held_out, couplings, field).item()
    best = pseudo_nll(held_out, true_j, true_h).item()
    upper = torch.triu_indices(N, N, offset=1)
    found, truth = couplings[upper[0], upper[1]], true_j[upper[0], upper[1]]
print(f"correlation with the true couplings {torch.corrcoef(torch.stack([found, truth]))[0, 1].item():.3f}")
print(f"per spin: independent {independent:.4f}, learned {model:.4f}, true model {best:.4f}")
print(f"score: {(independent - model) / (independent - best):.4f}")
