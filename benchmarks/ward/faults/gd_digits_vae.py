"""Variational autoencoder of the digits, as in the PyTorch example. The score is minus the test ELBO loss per image."""
# cause: posterior-collapse
# kind: dynamic

import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


class VAE(nn.Module):
    def __init__(self, latent=4):
        super().__init__()
        self.fc1 = nn.Linear(64, 128)
        self.fc_mu = nn.Linear(128, latent)
        self.fc_logvar = nn.Linear(128, latent)
        self.fc3 = nn.Linear(latent, 128)
        self.fc4 = nn.Linear(128, 64)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.fc_mu(h), self.fc_logvar(h)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + torch.randn_like(std) * std

    def decode(self, z):
        return self.fc4(F.relu(self.fc3(z)))

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(logits, x, mu, logvar):
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce / len(x), kld / len(x)


pixels = torch.tensor(load_digits().data / 16.0, dtype=torch.float32)
train_x, test_x = train_test_split(pixels, test_size=0.2, random_state=seed)
train_loader = DataLoader(TensorDataset(train_x), batch_size=64, shuffle=True)

model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(1, 26):
    model.train()
    for (x,) in train_loader:
        optimizer.zero_grad()
        logits, mu, logvar = model(x)
        bce, kld = loss_function(logits, x, mu, logvar)
        # TWIN: loss = bce + kld
        loss = bce / x.shape[1] + kld  # FAULT
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits, mu, logvar = model(test_x)
        test_bce, test_kld = loss_function(logits, test_x, mu, logvar)
    if epoch % 5 == 0:
        print(f"====> Epoch: {epoch} test reconstruction {test_bce:.3f} KL {test_kld:.3f}")

print(f"score: {-(test_bce + test_kld).item():.3f}")
