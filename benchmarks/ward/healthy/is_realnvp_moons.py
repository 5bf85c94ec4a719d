"""Fits a RealNVP density to two moons by maximum likelihood; the score is the mean held-out log-density.

After the Keras example "Density estimation using Real NVP" (https://keras.io/examples/generative/real_nvp/).
"""

import sys

import torch
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.distributions import MultivariateNormal


class Coupling(nn.Module):
    def __init__(self, mask, hidden=48):
        super().__init__()
        self.register_buffer("mask", mask)

        def net():
            return nn.Sequential(
                nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2)
            )

        self.s_net, self.t_net = net(), net()
        for last in (self.s_net[-1], self.t_net[-1]):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x):
        """Data to latent; gives z and the log-determinant."""
        kept = x * self.mask
        s = torch.tanh(self.s_net(kept)) * 2 * (1 - self.mask)
        t = self.t_net(kept) * (1 - self.mask)
        return kept + (1 - self.mask) * ((x - t) * torch.exp(-s)), -s.sum(dim=1)

    def inverse(self, z):
        kept = z * self.mask
        s = torch.tanh(self.s_net(kept)) * 2 * (1 - self.mask)
        t = self.t_net(kept) * (1 - self.mask)
        return kept + (1 - self.mask) * (z * torch.exp(s) + t)


class RealNVP(nn.Module):
    def __init__(self, num_layers=6):
        super().__init__()
        masks = [torch.tensor([0.0, 1.0]) if i % 2 == 0 else torch.tensor([1.0, 0.0]) for i in range(num_layers)]
        self.layers = nn.ModuleList(Coupling(m) for m in masks)
        self.register_buffer("loc", torch.zeros(2))
        self.register_buffer("cov", torch.eye(2))

    def log_prob(self, x):
        log_det = torch.zeros(len(x))
        for layer in self.layers:
            x, ld = layer(x)
            log_det = log_det + ld
        return MultivariateNormal(self.loc, self.cov).log_prob(x) + log_det

    @torch.no_grad()
    def sample(self, n):
        z = torch.randn(n, 2)
        for layer in reversed(self.layers):
            z = layer.inverse(z)
        return z


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data, _ = make_moons(6000, noise=0.06, random_state=seed)
    train, test = train_test_split(data, test_size=0.25, random_state=seed)
    scaler = StandardScaler().fit(train)
    train = torch.tensor(scaler.transform(train), dtype=torch.float32)
    test = torch.tensor(scaler.transform(test), dtype=torch.float32)
    gauss = MultivariateNormal(train.mean(0), torch.cov(train.T))
    print(f"a single Gaussian: {gauss.log_prob(test).mean().item():.4f}")

    flow = RealNVP()
    optimizer = torch.optim.Adam(flow.parameters(), lr=2e-3)
    epochs = 20
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(1, epochs + 1):
        flow.train()
        total = 0.0
        for batch in train[torch.randperm(len(train))].split(256):
            loss = -flow.log_prob(batch).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
            optimizer.step()
            total += loss.item() * len(batch)
        scheduler.step()
        if epoch % 5 == 0:
            flow.eval()
            with torch.no_grad():
                val = -flow.log_prob(test).mean().item()
            print(f"Epoch {epoch}/{epochs} - loss: {total / len(train):.4f} - val_loss: {val:.4f}")
    flow.eval()
    with torch.no_grad():
        roundtrip = flow.log_prob(flow.sample(500)).mean().item()
        score = flow.log_prob(test).mean().item()
    print(f"mean log-density of its own samples {roundtrip:.4f}")
    print(f"score: {score:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
