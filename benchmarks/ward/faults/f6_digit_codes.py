"""Convolutional autoencoder on the 8x8 digits, standardised to mean 0 and variance 1, with a 12-number code.

The decoder ends in a sigmoid, so it can only draw values between 0 and 1.
"""
# cause: output-range
# kind: dynamic

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader

torch.set_num_threads(1)
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(SEED)

images = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1)
images = images[torch.randperm(len(images))]
train, held_out = images[:1400], images[1400:]
mean, std = train.mean(), train.std()
train, held_out = (train - mean) / std, (held_out - mean) / std


class ConvAE(nn.Module):
    def __init__(self, code=12):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 12, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(12 * 16, code),
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, 12 * 16),
            nn.ReLU(),
            nn.Unflatten(1, (12, 4, 4)),
            nn.ConvTranspose2d(12, 12, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(12, 1, 3, padding=1),
            nn.Sigmoid(),  # FAULT
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


model = ConvAE()
opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
loader = DataLoader(train, batch_size=64, shuffle=True)
for epoch in range(20):
    for x in loader:
        loss = nn.functional.mse_loss(model(x), x)
        opt.zero_grad()
        loss.backward()
        opt.step()
    if (epoch + 1) % 4 == 0:
        with torch.no_grad():
            error = nn.functional.mse_loss(model(held_out), held_out).item()
        print(f"epoch {epoch + 1}: train mse {loss.item():.4f}, held-out mse {error:.4f}")

print(f"score: {1 - error / held_out.var().item():.4f}")
