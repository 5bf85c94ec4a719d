"""From a description of a room to its reverb spectrum: a conditional GAN with a small L1 term. The reverb has a random
texture, which the generator is to produce from noise.

After https://github.com/nikhilsinghmus/image2reverb/issues/37
"""
# cause: detached-graph
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

BINS, ROOM, NOISE = 8, 3, 4
BASIS = torch.tensor(np.array([np.cos(np.arange(BINS) * 0.7), np.sin(np.arange(BINS) * 0.7)]), dtype=torch.float32)


def real_batch(n):
    room = torch.rand(n, ROOM) * 2 - 1
    t = torch.arange(BINS) / BINS
    envelope = room[:, :1] * (1 - t) + room[:, 1:2] * t
    texture = torch.randn(n, 2) @ BASIS
    return room, envelope + (0.6 + 0.2 * room[:, 2:]) * texture


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(ROOM + NOISE, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, BINS)
        )

    def forward(self, f):
        z = torch.randn(len(f), NOISE)
        return self.net(torch.cat([f, z], dim=1))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(BINS + ROOM, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1)
        )

    def forward(self, spec, f):
        return self.net(torch.cat([spec, f], dim=1))


class Image2Reverb:
    def __init__(self, l1_weight=0.1):
        self.g = Generator()
        self.d = Discriminator()
        self.l1_weight = l1_weight
        self.g_optim = torch.optim.Adam(self.g.parameters(), lr=1e-3, betas=(0.5, 0.99))
        self.d_optim = torch.optim.Adam(self.d.parameters(), lr=2e-3, betas=(0.5, 0.99))

    def training_step(self, f, spec, optimizer_idx):
        fake_spec = self.g(f)
        if optimizer_idx == 0:
            d_fake2 = self.d(fake_spec.detach(), f)  # FAULT
            # TWIN: d_fake2 = self.d(fake_spec, f)
            g_loss1 = F.mse_loss(d_fake2, torch.ones_like(d_fake2))
            g_loss2 = self.l1_weight * F.l1_loss(fake_spec, spec)
            return g_loss1 + g_loss2
        d_fake = self.d(fake_spec.detach(), f)
        d_real = self.d(spec, f)
        return 0.5 * (F.mse_loss(d_real, torch.ones_like(d_real)) + F.mse_loss(d_fake, torch.zeros_like(d_fake)))

    def fit(self, steps, batch_size):
        for step in range(1, steps + 1):
            f, spec = real_batch(batch_size)
            losses = []
            for optimizer_idx, optim in enumerate((self.g_optim, self.d_optim)):
                loss = self.training_step(f, spec, optimizer_idx)
                self.g_optim.zero_grad()
                self.d_optim.zero_grad()
                loss.backward()
                optim.step()
                losses.append(loss.item())
            if step % 75 == 0:
                print(f"step {step}: G_loss {losses[0]:.4f}  D_loss {losses[1]:.4f}")


def energy_distance(a, b):
    squared = 2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()
    return squared.clamp(min=0).sqrt().item()


def main(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    torch.set_num_threads(1)

    model = Image2Reverb()
    model.fit(700, 128)

    f, spec = real_batch(1500)
    f2, spec2 = real_batch(1500)
    with torch.no_grad():
        generated = torch.cat([model.g(f), f], dim=1)
    distance = energy_distance(generated, torch.cat([spec2, f2], dim=1))
    print(f"spread per bin: real {spec.std(dim=0).mean():.3f}, generated {generated[:, :BINS].std(dim=0).mean():.3f}")
    print(f"score: {1 - distance:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
