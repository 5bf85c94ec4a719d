"""Adds a second property to a trained molecule model: the message-passing encoder is taken over and kept frozen, so that the
old head stays valid, and a new head is trained on a small set of larger molecules. The score is the R2 of the
worse of the two heads on its own held-out molecules.

After https://github.com/chemprop/chemprop/pull/952
"""
# cause: batch-norm-drift
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

ATOM_TYPES = 5
MAX_ATOMS = 20


def make_molecules(rng, count, low, high, weights):
    atoms = np.zeros((count, MAX_ATOMS, ATOM_TYPES), dtype=np.float32)
    bonds = np.zeros((count, MAX_ATOMS, MAX_ATOMS), dtype=np.float32)
    for m in range(count):
        size = rng.integers(low, high)
        kinds = rng.choice(ATOM_TYPES, size, p=weights)
        atoms[m, np.arange(size), kinds] = 1.0
        for a in range(1, size):
            other = rng.integers(max(0, a - 3), a)
            bonds[m, a, other] = bonds[m, other, a] = 1.0
    hetero = atoms[:, :, 1] + atoms[:, :, 2]
    polar_bonds = np.einsum("ma,mab,mb->m", hetero, bonds, atoms[:, :, 0])
    size = atoms.sum((1, 2))
    prop_a = 0.4 * polar_bonds + 0.5 * atoms[:, :, 3].sum(1) - 0.1 * size
    prop_b = atoms[:, :, 4].sum(1) - 0.3 * polar_bonds + 0.1 * size
    prop_a = prop_a + 0.1 * rng.standard_normal(count)
    prop_b = prop_b + 0.1 * rng.standard_normal(count)
    return [torch.from_numpy(np.asarray(v, dtype=np.float32)) for v in (atoms, bonds, prop_a, prop_b)]


class Encoder(nn.Module):
    def __init__(self, hidden=48, depth=3):
        super().__init__()
        self.w_in = nn.Linear(ATOM_TYPES, hidden)
        self.w_h = nn.Linear(hidden, hidden)
        self.depth = depth
        self.bn = nn.BatchNorm1d(hidden)

    def forward(self, atoms, bonds):
        mask = atoms.sum(-1, keepdim=True)
        h0 = self.w_in(atoms)
        h = torch.relu(h0)
        for _ in range(self.depth - 1):
            h = torch.relu(h0 + self.w_h(torch.bmm(bonds, h)))
        return self.bn((h * mask).sum(1) / 10)


def make_head(hidden=48):
    return nn.Sequential(nn.Linear(hidden, 48), nn.ReLU(), nn.Linear(48, 1))


def r2(encoder, head, atoms, bonds, target, mean, std):
    encoder.eval()
    head.eval()
    with torch.no_grad():
        prediction = head(encoder(atoms, bonds)).squeeze(1) * std + mean
    return 1 - ((prediction - target) ** 2).mean().item() / target.var(unbiased=False).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    drug_like = [0.5, 0.15, 0.15, 0.1, 0.1]
    lipids = [0.84, 0.02, 0.02, 0.02, 0.1]
    atoms, bonds, prop_a, _ = make_molecules(rng, 1000, 7, 11, drug_like)
    atoms2, bonds2, _, prop_b = make_molecules(rng, 500, 14, 21, lipids)
    split, split2 = 750, 350
    criterion = nn.MSELoss()

    encoder, head_a = Encoder(), make_head()
    mean_a, std_a = prop_a[:split].mean(), prop_a[:split].std()
    optimizer = torch.optim.Adam(list(encoder.parameters()) + list(head_a.parameters()), lr=2e-3)
    for epoch in range(25):
        encoder.train()
        head_a.train()
        for index in torch.randperm(split).split(64):
            optimizer.zero_grad()
            out = head_a(encoder(atoms[index], bonds[index])).squeeze(1)
            loss = criterion(out, (prop_a[index] - mean_a) / std_a)
            loss.backward()
            optimizer.step()
    held_a = (atoms[split:], bonds[split:], prop_a[split:], mean_a, std_a)
    print(f"property A after pretraining: R2 {r2(encoder, head_a, *held_a):.3f}")

    for parameter in encoder.parameters():
        parameter.requires_grad = False

    head_b = make_head()
    mean_b, std_b = prop_b[:split2].mean(), prop_b[:split2].std()
    held_b = (atoms2[split2:], bonds2[split2:], prop_b[split2:], mean_b, std_b)
    optimizer = torch.optim.Adam(head_b.parameters(), lr=2e-3)
    for epoch in range(40):
        encoder.train()  # FAULT
        # TWIN: encoder.eval()
        head_b.train()
        for index in torch.randperm(split2).split(32):
            optimizer.zero_grad()
            out = head_b(encoder(atoms2[index], bonds2[index])).squeeze(1)
            loss = criterion(out, (prop_b[index] - mean_b) / std_b)
            loss.backward()
            optimizer.step()
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {loss.item():.4f}, property B R2 {r2(encoder, head_b, *held_b):.3f}")

    score_a, score_b = r2(encoder, head_a, *held_a), r2(encoder, head_b, *held_b)
    print(f"property A: R2 {score_a:.3f}, property B: R2 {score_b:.3f}")
    print(f"score: {min(score_a, score_b):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
