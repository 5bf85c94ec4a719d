"""Variational autoencoder for 8x8 digits whose GRU decoder writes the picture row by row from a 6-number code.

The divergence from the prior has four times its weight, so the code falls back to the prior.
Score: digit class read from the code.
"""
# cause: posterior-collapse
# kind: dynamic

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)

images, labels = load_digits(return_X_y=True)
images = torch.tensor(images > 7).float().view(-1, 8, 8)
order = torch.randperm(len(images))
images, labels = images[order], labels[order.numpy()]
train, test = images[:1400], images[1400:]


class RowVAE(nn.Module):
    def __init__(self, z_dim=6, hidden=96):
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU())
        self.mu = nn.Linear(128, z_dim)
        self.logvar = nn.Linear(128, z_dim)
        self.decoder = nn.GRU(z_dim, hidden, batch_first=True)
        self.rows = nn.Linear(hidden, 8)

    def forward(self, x):
        h = self.encoder(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        states, _ = self.decoder(z.unsqueeze(1).expand(-1, 8, -1))
        return self.rows(states), mu, logvar


def elbo_terms(logits, x, mu, logvar):
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum() / len(x)
    return bce, kl


model = RowVAE()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(1, 25):
    model.train()
    for x in train[torch.randperm(len(train))].split(50):
        logits, mu, logvar = model(x)
        bce, kl = elbo_terms(logits, x, mu, logvar)
        loss = bce + 4.0 * kl  # FAULT
        # TWIN: loss = bce + 0.5 * kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 4 == 0:
        model.eval()
        with torch.no_grad():
            logits, mu, logvar = model(test)
            test_bce, test_kl = elbo_terms(logits, test, mu, logvar)
        print(f"epoch {epoch}: train {bce:.2f} + {kl:.2f}, test {test_bce:.2f} + {test_kl:.2f}")

with torch.no_grad():
    codes, test_codes = model(train)[1].numpy(), model(test)[1].numpy()
probe = LogisticRegression(max_iter=500).fit(codes, labels[:1400])
print(f"score: {probe.score(test_codes, labels[1400:]):.4f}")
