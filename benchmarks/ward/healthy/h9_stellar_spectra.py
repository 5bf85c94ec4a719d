"""Estimate the effective temperature of a star from a noisy 128-pixel synthetic spectrum with a small 1-D CNN.

Blackbody continuum times a few absorption lines whose depth depends on temperature; R2 on held-out stars.
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)

WAVELENGTHS = np.linspace(0.38, 0.90, 128)  # micrometres
LINES = [(0.486, 9500, 1800, 0.6), (0.656, 9500, 2000, 0.5), (0.517, 5200, 900, 0.5), (0.589, 4500, 800, 0.5)]


def make_spectrum(teff):
    x = 14388.0 / (WAVELENGTHS * teff)
    flux = WAVELENGTHS**-5 / np.expm1(x)
    flux /= flux.mean()
    metallicity = rng.uniform(0.7, 1.3)
    for centre, peak, width, depth in LINES:
        strength = metallicity * depth * np.exp(-0.5 * ((teff - peak) / width) ** 2)
        flux *= 1 - strength * np.exp(-0.5 * ((WAVELENGTHS - centre) / 0.006) ** 2)
    tilt = 1 + rng.normal(0, 0.25) * (WAVELENGTHS - WAVELENGTHS.mean())  # imperfect flux calibration
    return flux * tilt + rng.normal(0, 0.05, flux.shape)


teff = rng.uniform(3800, 11000, size=2000)
spectra = np.stack([make_spectrum(t) for t in teff]).astype(np.float32)
spectra = (spectra - spectra.mean()) / spectra.std()
target = ((np.log10(teff) - 3.83) / 0.13).astype(np.float32)

dataset = TensorDataset(torch.from_numpy(spectra).unsqueeze(1), torch.from_numpy(target))
train_set, val_set = random_split(dataset, [1600, 400], generator=torch.Generator().manual_seed(SEED))
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
val_loader = DataLoader(val_set, batch_size=200)


class SpectrumNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 8, 7, stride=2, padding=3),
            nn.ReLU(),
            nn.Conv1d(8, 16, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv1d(16, 16, 5, stride=2, padding=2),
            nn.ReLU(),
        )
        self.regressor = nn.Sequential(nn.Flatten(), nn.Linear(16 * 16, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.regressor(self.features(x)).squeeze(1)


model = SpectrumNet()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=15)

for epoch in range(15):
    model.train()
    running = 0.0
    for flux, label in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(flux), label)
        loss.backward()
        optimizer.step()
        running += loss.item() * len(label)
    scheduler.step()
    model.eval()
    with torch.no_grad():
        val = sum(criterion(model(flux), label).item() * len(label) for flux, label in val_loader) / len(val_set)
    print(f"epoch {epoch:2d}  train {running / len(train_set):.4f}  val {val:.4f}")

model.eval()
with torch.no_grad():
    pred = torch.cat([model(flux) for flux, _ in val_loader])
    truth = torch.cat([label for _, label in val_loader])
r2 = 1 - ((pred - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
print(f"score: {r2.item():.4f}")
