"""Predicts the energy of small synthetic molecules (sets of atoms) with a sum-pooled set network.

Fault: the targets are left in kcal/mol (mean about -40000, spread in the thousands); they should be standardised.
"""
# cause: unscaled-targets
# kind: dynamic

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class SetNet(nn.Module):
    def __init__(self, n_features, hidden=48):
        super().__init__()
        self.phi = nn.Sequential(nn.Linear(n_features, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.rho = nn.Sequential(nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 1))

    def forward(self, atoms):
        return self.rho(self.phi(atoms).mean(dim=1)).squeeze(-1)


def make_molecules(n, gen):
    kind = torch.randint(0, 4, (n, 9), generator=gen)
    position = torch.randn(n, 9, 3, generator=gen)
    atoms = torch.cat([torch.eye(4)[kind], position], dim=2)
    atomic = torch.tensor([-370.0, -23900 / 9, -34300 / 9, -47100 / 9])[kind].sum(1) * 1.5
    spread = position.sub(position.mean(1, keepdim=True)).square().sum((1, 2))
    return atoms, atomic + 120.0 * spread


def r2(pred, target):
    return (1 - (pred - target).square().sum() / (target - target.mean()).square().sum()).item()


def run(seed, epochs=20):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    gen = torch.Generator().manual_seed(seed)
    atoms, energy = make_molecules(1600, gen)
    # TWIN: energy = (energy - energy[:1200].mean()) / energy[:1200].std()
    loader = DataLoader(TensorDataset(atoms[:1200], energy[:1200]), batch_size=40, shuffle=True)
    val_atoms, val_energy = atoms[1200:], energy[1200:]

    model = SetNet(atoms.shape[2])
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-4)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for a, e in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(a), e)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            val_loss = loss_fn(model(val_atoms), val_energy).item()
        print(f"{epoch:3d} train mse {total / len(loader):.5g} val mse {val_loss:.5g}")
    with torch.no_grad():
        return r2(model(val_atoms), val_energy)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", default=0, type=int)
    print(f"score: {run(parser.parse_args().seed):.4f}")
