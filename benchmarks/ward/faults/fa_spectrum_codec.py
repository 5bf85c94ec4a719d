"""Compress near-infrared spectra to six numbers with a convolutional autoencoder.

The spectra are standardized per wavelength, as the chemists do; the decoder was taken over from an image codec.
"""
# cause: output-range
# kind: dynamic

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
WAVES, CODE = 64, 6


def spectra(n, centres, widths):
    """Five absorbers in random amounts, each with its peak, over a slope."""
    grid = torch.linspace(0, 1, WAVES)
    amounts = torch.rand(n, 5)
    peaks = torch.exp(-(((grid - centres[:, None]) / widths[:, None]) ** 2))
    absorbance = amounts @ peaks + torch.rand(n, 1) * (0.3 + 0.4 * grid)
    return absorbance + 0.015 * torch.randn(n, WAVES)


class Codec(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv1d(1, 8, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv1d(8, 16, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * WAVES // 4, CODE),
        )
        self.decoder = nn.Sequential(
            nn.Linear(CODE, 96),
            nn.ReLU(),
            nn.Linear(96, WAVES),
            nn.Sigmoid(),  # FAULT
        )

    def forward(self, x):
        return self.decoder(self.encoder(x.unsqueeze(1)))


centres, widths = 0.1 + 0.8 * torch.rand(5), 0.05 + 0.1 * torch.rand(5)
train, test = spectra(3000, centres, widths), spectra(600, centres, widths)
mean, std = train.mean(0), train.std(0)
train, test = (train - mean) / std, (test - mean) / std
loader = DataLoader(TensorDataset(train), batch_size=50, shuffle=True)
model = Codec()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
for epoch in range(20):
    model.train()
    running = 0.0
    for (x,) in loader:
        loss = criterion(model(x), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        error = criterion(model(test), test).item()
    if epoch % 2:
        print(f"epoch {epoch + 1:2d}  train {running / len(loader):.4f}  test {error:.4f}")
print(f"score: {1 - error / test.var(0).mean().item():.4f}")
