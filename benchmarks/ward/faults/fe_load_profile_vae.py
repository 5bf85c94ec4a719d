"""Daily load profiles of households (96 quarter hours) compressed into six numbers by a convolutional VAE.

The score is the share of variance that profiles decoded from their mean code explain on unseen households.
"""
# cause: posterior-collapse
# kind: dynamic

import math
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

QUARTERS = 96


def households(n, generator):
    t = torch.arange(QUARTERS) / QUARTERS
    morning = 0.27 + 0.05 * torch.randn(n, 1, generator=generator)
    evening = 0.80 + 0.04 * torch.randn(n, 1, generator=generator)
    height = 0.4 + 1.2 * torch.rand(n, 2, generator=generator)
    base = 0.4 * torch.randn(n, 1, generator=generator)
    profile = base + height[:, :1] * torch.exp(-(((t - morning) / 0.06) ** 2))
    profile = profile + height[:, 1:] * torch.exp(-(((t - evening) / 0.09) ** 2))
    profile = profile + 0.15 * torch.randn(n, QUARTERS, generator=generator)
    return ((profile - 0.3) / 0.6).unsqueeze(1)


class ProfileVAE(nn.Module):
    def __init__(self, codes=6):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv1d(1, 16, 6, stride=3, padding=2),
            nn.SiLU(),
            nn.Conv1d(16, 32, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(32 * 16, 64),
            nn.SiLU(),
        )
        self.mu = nn.Linear(64, codes)
        self.log_var = nn.Linear(64, codes)
        self.decoder = nn.Sequential(
            nn.Linear(codes, 96),
            nn.SiLU(),
            nn.Linear(96, 96),
            nn.SiLU(),
            nn.Linear(96, QUARTERS),
        )

    def decode(self, z):
        return self.decoder(z).unsqueeze(1)

    def forward(self, x):
        h = self.encoder(x)
        mu, log_var = self.mu(h), self.log_var(h)
        z = mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)
        return self.decode(z), mu, log_var


def negative_elbo(x, decoded, mu, log_var):
    misfit = ((x - decoded) ** 2).mean(dim=(1, 2))  # FAULT
    # TWIN: misfit = ((x - decoded) ** 2).sum(dim=(1, 2))
    divergence = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(dim=1)
    return misfit.mean(), divergence.mean()


def explained(model, x):
    model.eval()
    with torch.no_grad():
        decoded = model.decode(model.mu(model.encoder(x)))
    return 1 - ((x - decoded) ** 2).mean().item() / x.var().item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    train, unseen = households(2400, generator), households(500, generator)
    loader = DataLoader(TensorDataset(train), batch_size=60, shuffle=True)
    model = ProfileVAE()
    epochs = 25
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda epoch: 0.5 * (1 + math.cos(math.pi * epoch / epochs)) + 0.02
    )
    for epoch in range(epochs):
        model.train()
        for (x,) in loader:
            misfit, divergence = negative_elbo(x, *model(x))
            loss = misfit + divergence
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        print(f"{epoch + 1:2d} misfit {misfit.item():8.4f} divergence {divergence.item():8.4f}")
    print(f"score: {explained(model, unseen):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
