"""Inverse problem: recover the conductivity profile k(x) of a rod from a few thermocouples by differentiating
through an explicit finite-difference heat solver. There is no network: the log-conductivities at the cell faces
are the trainable tensor, with a smoothness prior. Scored on an experiment whose data were not used (R2)."""

import sys

import torch

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

CELLS, STEPS, DT = 40, 160, 2e-4
DX = 1.0 / CELLS
x = (torch.arange(CELLS) + 0.5) * DX
faces = torch.arange(1, CELLS) * DX


def simulate(k, initial, heating):
    """Insulated rods, one per row; returns the temperature at every eighth time step."""
    u, history = initial, []
    for step in range(STEPS):
        flux = k * (u[:, 1:] - u[:, :-1]) / DX
        divergence = torch.nn.functional.pad(flux, (0, 1)) - torch.nn.functional.pad(flux, (1, 0))
        u = u + DT * (divergence / DX + heating)
        if step % 8 == 7:
            history.append(u)
    return torch.stack(history, dim=1)


def bump(center, width=0.08):
    return torch.exp(-(((x - center) / width) ** 2))


centre = 0.35 + 0.3 * torch.rand(1)
k_true = 0.35 + 0.9 * torch.exp(-(((faces - centre) / 0.15) ** 2)) + 0.2 * torch.sin(4 * faces)
initial = torch.stack([bump(c) for c in (0.1, 0.3, 0.5, 0.7, 0.9, 0.4)])
heating = torch.stack([20 * bump(c) for c in (0.8, 0.6, 0.15, 0.3, 0.5, 0.75)])
sensors = torch.arange(2, CELLS, 4)
with torch.no_grad():
    measured = simulate(k_true, initial, heating)[:, :, sensors]
    measured = measured + 0.005 * torch.randn_like(measured)
    start = initial[:5], heating[:5]

log_k = torch.full((CELLS - 1,), -0.7, requires_grad=True)
optimizer = torch.optim.Adam([log_k], lr=0.05)
for iteration in range(120):
    predicted = simulate(log_k.exp(), *start)[:, :, sensors]
    misfit = ((predicted - measured[:5]) / 0.005).pow(2).mean()
    roughness = 5.0 * (log_k[1:] - log_k[:-1]).pow(2).mean()
    optimizer.zero_grad()
    (misfit + roughness).backward()
    optimizer.step()
    if iteration % 20 == 0 or iteration == 119:
        print(f"iteration {iteration:3d}  misfit {misfit.item():10.4f}  roughness {roughness.item():.4f}")

with torch.no_grad():
    error = (log_k.exp() - k_true).abs().mean() / k_true.mean()
    held = simulate(log_k.exp(), initial[5:], heating[5:])[:, :, sensors]
    change = measured[5:] - initial[5:, None, sensors]
    r2 = 1 - (held - measured[5:]).pow(2).sum() / (change - change.mean()).pow(2).sum()
print(f"mean relative error of k: {error.item():.3f}")
print(f"score: {r2.item():.4f}")
