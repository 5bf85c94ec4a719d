"""Neural-network potential after Behler and Parrinello: every atom adds an energy that depends on its surroundings,
with one network per element and a reference energy of each element on top. Trained on total energies.
"""
# cause: unregistered-parameters
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

ELEMENTS = ["H", "C", "O"]
MAX_ATOMS, N_SYM = 9, 8


def make_molecules(n, rng):
    """Symmetry functions of each atom, its element (-1 for no atom) and the total energy of the molecule."""
    count = rng.integers(4, MAX_ATOMS + 1, n)
    element = rng.choice(3, size=(n, MAX_ATOMS), p=[0.5, 0.35, 0.15])
    element[np.arange(MAX_ATOMS)[None] >= count[:, None]] = -1
    common = rng.normal(size=(n, 1, N_SYM))
    g = 0.6 * common + 0.8 * rng.normal(size=(n, MAX_ATOMS, N_SYM))
    energy = np.zeros((n, MAX_ATOMS))
    for e in range(3):
        w = rng.normal(size=(N_SYM, 3)) / np.sqrt(N_SYM)
        z = g @ w
        atom = 0.25 * e + 0.9 * np.tanh(1.5 * z[..., 0]) - 0.6 * z[..., 1] + 0.4 * z[..., 2] ** 2
        energy += np.where(element == e, atom, 0)
    total = energy.sum(1) + 0.05 * rng.normal(size=n)
    return (torch.tensor(g, dtype=torch.float32), torch.tensor(element), torch.tensor(total, dtype=torch.float32))


def element_net():
    return nn.Sequential(nn.Linear(N_SYM, 24), nn.Softplus(), nn.Linear(24, 24), nn.Softplus(), nn.Linear(24, 1))


class Potential(nn.Module):
    def __init__(self):
        super().__init__()
        self.reference = nn.Parameter(torch.zeros(len(ELEMENTS)))
        self.nets = {name: element_net() for name in ELEMENTS}  # FAULT
        # TWIN: self.nets = nn.ModuleDict({name: element_net() for name in ELEMENTS})

    def forward(self, g, element):
        energy = g.new_zeros(g.shape[:2])
        for i, name in enumerate(ELEMENTS):
            here = element == i
            energy[here] = self.nets[name](g[here]).squeeze(-1) + self.reference[i]
        return energy.sum(dim=1)


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    g, element, energy = make_molecules(1900, np.random.default_rng(seed))
    n_train = 1500
    energy = (energy - energy[:n_train].mean()) / energy[:n_train].std()

    model = Potential()
    optimizer = torch.optim.RAdam(model.parameters(), lr=1e-2)
    loss_fn = nn.SmoothL1Loss()
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=35)
    test = (g[n_train:], element[n_train:])
    for epoch in range(1, 36):
        total = 0.0
        for b in torch.randperm(n_train).split(50):
            loss = loss_fn(model(g[b], element[b]), energy[b])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(b)
        scheduler.step()
        if epoch % 5 == 0:
            with torch.no_grad():
                test_loss = loss_fn(model(*test), energy[n_train:]).item()
            print(f"epoch {epoch:3d}   train loss {total / n_train:.4f}   test loss {test_loss:.4f}")

    with torch.no_grad():
        error = (model(*test) - energy[n_train:]).pow(2).mean()
    print("reference energies:", [round(v, 3) for v in model.reference.tolist()])
    print(f"score: {(1 - error / energy[n_train:].var(unbiased=False)).item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
