"""GAN with the hinge loss and a spectrally normalised critic; the data are two correlated Gaussians side by side.
Score: minus the sliced Wasserstein distance between generated points and fresh ones (untrained: about 1.2).
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import spectral_norm

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def real_points(n):
    z = torch.randn(n, 2)
    skewed = torch.stack([0.4 * z[:, 0], 0.3 * z[:, 0] + 0.3 * z[:, 1]], dim=1)
    side = torch.randint(0, 2, (n, 1)).float() * 2 - 1
    return skewed + torch.cat([1.5 * side, torch.zeros_like(side)], dim=1)


def sliced_distance(a, b, slices=64):
    directions = F.normalize(torch.randn(2, slices), dim=0)
    return ((a @ directions).sort(0).values - (b @ directions).sort(0).values).abs().mean().item()


G = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))
D = nn.Sequential(
    spectral_norm(nn.Linear(2, 48)),
    nn.LeakyReLU(0.2),
    spectral_norm(nn.Linear(48, 48)),
    nn.LeakyReLU(0.2),
    spectral_norm(nn.Linear(48, 1)),
)
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.0, 0.9))
opt_d = torch.optim.Adam(D.parameters(), lr=4e-3, betas=(0.0, 0.9))
average = torch.optim.swa_utils.AveragedModel(G, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.98))

for step in range(900):
    real = real_points(128)
    fake = G(torch.randn(128, 4)).detach()
    d_loss = F.relu(1 - D(real)).mean() + F.relu(1 + D(fake)).mean()
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    g_loss = -D(G(torch.randn(128, 4))).mean()
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    average.update_parameters(G)
    if step % 150 == 149:
        print(f"step {step + 1}: critic {d_loss.item():.3f} generator {g_loss.item():.3f}")

with torch.no_grad():
    distance = sliced_distance(average(torch.randn(2000, 4)), real_points(2000))
print(f"score: {-distance:.4f}")
