"""A variational autoencoder of digits whose divergence is brought in slowly over the first epochs; the loss rises while
it comes in."""
# cause: posterior-collapse
# kind: dynamic

import sys

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class VAE(nn.Module):
    def __init__(self, latent=6):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 96), nn.ELU(), nn.Linear(96, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, 96), nn.ELU(), nn.Linear(96, 64))

    def forward(self, x):
        mean, logvar = self.encoder(x).chunk(2, dim=1)
        z = mean + torch.randn_like(mean) * (logvar / 2).exp() if self.training else mean
        return self.decoder(z), mean, logvar


seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.set_num_threads(1)
torch.manual_seed(seed)
x = torch.tensor(load_digits().data, dtype=torch.float32)
x = (x[np.random.default_rng(seed).permutation(len(x))] / 16 - 0.3) / 0.38
train, test = x[:1500], x[1500:]
loader = DataLoader(TensorDataset(train), batch_size=50, shuffle=True)
model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(20):
    weight = min(1.0, epoch / 8)
    model.train()
    for (batch,) in loader:
        out, mean, logvar = model(batch)
        error = (out - batch).pow(2).mean()  # FAULT
        # TWIN: error = (out - batch).pow(2).sum(1).mean()
        kl = -0.5 * (1 + logvar - mean.pow(2) - logvar.exp()).sum(1).mean()
        loss = error + weight * kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        held_out = (model(test)[0] - test).pow(2).mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} error {error.item():.3f} kl {kl.item():.3f} held out {held_out:.4f}")
print(f"score: {1 - held_out / (test - train.mean(0)).pow(2).mean().item():.4f}")
