"""A denoising diffusion model of the two moons, with sinusoidal embeddings and an averaged copy of the weights.

After tanelp/tiny-diffusion (https://github.com/tanelp/tiny-diffusion).
"""

import copy
import sys

import numpy as np
import torch
from sklearn.datasets import make_moons
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class SinusoidalEmbedding(nn.Module):
    def __init__(self, size, scale=1.0):
        super().__init__()
        self.size, self.scale = size, scale

    def forward(self, x):
        half = self.size // 2
        freqs = torch.exp(-np.log(10000.0) / (half - 1) * torch.arange(half))
        emb = (x.float() * self.scale).unsqueeze(-1) * freqs
        return torch.cat([emb.sin(), emb.cos()], dim=-1)


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.ff = nn.Linear(size, size)
        self.act = nn.GELU()

    def forward(self, x):
        return x + self.act(self.ff(x))


class MLP(nn.Module):
    def __init__(self, hidden=96, emb=32, layers=3):
        super().__init__()
        self.time_mlp = SinusoidalEmbedding(emb)
        self.input_mlp = SinusoidalEmbedding(emb, scale=25.0)
        self.joint = nn.Sequential(
            nn.Linear(3 * emb, hidden), nn.GELU(), *[Block(hidden) for _ in range(layers)], nn.Linear(hidden, 2)
        )

    def forward(self, x, t):
        return self.joint(torch.cat([self.input_mlp(x[:, 0]), self.input_mlp(x[:, 1]), self.time_mlp(t)], dim=-1))


class NoiseScheduler:
    def __init__(self, num_timesteps=50, beta_start=1e-4, beta_end=0.2):
        self.T = num_timesteps
        self.betas = torch.linspace(beta_start, beta_end, num_timesteps)
        self.alphas = 1.0 - self.betas
        self.alphas_cumprod = torch.cumprod(self.alphas, dim=0)

    def add_noise(self, x0, noise, t):
        a = self.alphas_cumprod[t].unsqueeze(1)
        return a.sqrt() * x0 + (1 - a).sqrt() * noise

    def step(self, eps, t, x):
        mean = (x - self.betas[t] / (1 - self.alphas_cumprod[t]).sqrt() * eps) / self.alphas[t].sqrt()
        if t == 0:
            return mean
        variance = self.betas[t] * (1 - self.alphas_cumprod[t - 1]) / (1 - self.alphas_cumprod[t])
        return mean + variance.sqrt() * torch.randn_like(x)


@torch.no_grad()
def sample(model, scheduler, n):
    model.eval()
    x = torch.randn(n, 2)
    for t in reversed(range(scheduler.T)):
        x = scheduler.step(model(x, torch.full((n,), t)), t, x)
    return x


def sliced_wasserstein(a, b, k=64):
    d = F.normalize(torch.randn(2, k, generator=torch.Generator().manual_seed(1)), dim=0)
    return ((a @ d).sort(0).values - (b @ d).sort(0).values).abs().mean().item()


def moons(n, seed):
    x = torch.tensor(make_moons(n, noise=0.05, random_state=seed)[0], dtype=torch.float32)
    return (x - torch.tensor([0.5, 0.25])) / torch.tensor([0.87, 0.5])


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train, held_out = moons(4000, seed), moons(800, seed + 500)
    loader = DataLoader(TensorDataset(train), batch_size=128, shuffle=True, drop_last=True)
    model, scheduler = MLP(), NoiseScheduler()
    ema = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    num_epochs = 30
    lr = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_epochs * len(loader), eta_min=1e-5)
    for epoch in range(num_epochs):
        model.train()
        losses = []
        for (batch,) in loader:
            noise = torch.randn_like(batch)
            timesteps = torch.randint(0, scheduler.T, (len(batch),))
            noise_pred = model(scheduler.add_noise(batch, noise, timesteps), timesteps)
            loss = F.mse_loss(noise_pred, noise)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            lr.step()
            with torch.no_grad():
                for p_ema, p in zip(ema.parameters(), model.parameters()):
                    p_ema.lerp_(p, 1 - 0.99)
            losses.append(loss.item())
        if epoch % 5 == 4:
            print(
                f"Epoch {epoch + 1}: loss {np.mean(losses):.4f}, sliced distance "
                f"{sliced_wasserstein(sample(ema, scheduler, len(held_out)), held_out):.4f}"
            )
    gauss = torch.randn_like(held_out) * train.std(0) + train.mean(0)
    print(
        f"two real samples: {sliced_wasserstein(moons(800, seed + 900), held_out):.4f}, "
        f"Gaussian: {sliced_wasserstein(gauss, held_out):.4f}"
    )
    print(f"score: {-sliced_wasserstein(sample(ema, scheduler, len(held_out)), held_out):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
