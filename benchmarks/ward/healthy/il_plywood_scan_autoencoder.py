"""A dense autoencoder of plywood scans: grain waves of three free parameters in 64 numbers, squeezed into six codes."""

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)


def scans(count):
    position = torch.linspace(0, 1, 64)
    frequency = 1 + torch.rand(count, 1)
    phase = 6.28 * torch.rand(count, 1)
    slope = torch.randn(count, 1)
    return torch.sin(6.28 * frequency * position + phase) + slope * (position - 0.5) + 0.05 * torch.randn(count, 64)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 6))
        self.decoder = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, x):
        return self.decoder(self.encoder(x))


train, test = scans(4000), scans(600)
loader = DataLoader(train, batch_size=64, shuffle=True)
model = Autoencoder()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[18, 24], gamma=0.3)
for epoch in range(1, 29):
    train_loss = 0.0
    for batch in loader:
        optimizer.zero_grad()
        loss = criterion(model(batch), batch)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * batch.size(0)
    scheduler.step()
    if epoch % 4 == 0:
        with torch.no_grad():
            test_loss = criterion(model(test), test).item()
        print(f"epoch: {epoch}\ttraining loss: {train_loss / len(train):.5f}\ttest loss: {test_loss:.5f}")
print(f"score: {1 - test_loss / test.var().item():.4f}")
