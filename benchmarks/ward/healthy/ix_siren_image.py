"""A sine network holds one image: it is fitted to a random half of the pixels and judged by the PSNR on the other half.

After the notebook "explore_siren" of https://github.com/vsitzmann/siren (Sitzmann et al. 2020).
"""

import sys

import numpy as np
import torch
from torch import nn


class SineLayer(nn.Module):
    def __init__(self, in_features, out_features, is_first=False, omega_0=30.0):
        super().__init__()
        self.omega_0 = omega_0
        self.linear = nn.Linear(in_features, out_features)
        with torch.no_grad():
            bound = 1 / in_features if is_first else np.sqrt(6 / in_features) / omega_0
            self.linear.weight.uniform_(-bound, bound)

    def forward(self, x):
        return torch.sin(self.omega_0 * self.linear(x))


class Siren(nn.Module):
    def __init__(
        self,
        in_features=2,
        hidden_features=64,
        hidden_layers=2,
        out_features=1,
        first_omega_0=15.0,
        hidden_omega_0=30.0,
    ):
        super().__init__()
        layers = [SineLayer(in_features, hidden_features, is_first=True, omega_0=first_omega_0)]
        layers += [SineLayer(hidden_features, hidden_features, omega_0=hidden_omega_0) for _ in range(hidden_layers)]
        final = nn.Linear(hidden_features, out_features)
        with torch.no_grad():
            bound = np.sqrt(6 / hidden_features) / hidden_omega_0
            final.weight.uniform_(-bound, bound)
        self.net = nn.Sequential(*layers, final)

    def forward(self, coords):
        return self.net(coords)


def get_mgrid(sidelen):
    line = torch.linspace(-1, 1, sidelen)
    return torch.stack(torch.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2)


def make_image(coords, rng):
    """A smooth 'photograph': soft blobs, a shaded disc and gentle waves, in [-1, 1]."""
    y, x = coords.numpy().T
    image = 0.3 * np.sin(rng.uniform(6, 9) * x + rng.uniform(0, 6)) * np.sin(rng.uniform(6, 9) * y + rng.uniform(0, 6))
    for _ in range(24):
        cx, cy, s, a = rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(0.06, 0.25), rng.uniform(-1, 1)
        image += a * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * s**2))
    cx, cy, r = rng.uniform(-0.4, 0.4), rng.uniform(-0.4, 0.4), rng.uniform(0.3, 0.5)
    image += 0.8 / (1 + np.exp((np.hypot(x - cx, y - cy) - r) / 0.04))
    image = 2 * (image - image.min()) / (image.max() - image.min()) - 1
    return torch.tensor(image, dtype=torch.float32).unsqueeze(1)


def psnr(prediction, truth):
    mse = (prediction - truth).pow(2).mean()
    return (10 * torch.log10(4 / mse)).item()  # the range is 2, so the peak squared is 4


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    coords = get_mgrid(48)
    pixels = make_image(coords, np.random.default_rng(seed))
    order = torch.randperm(len(coords))
    seen, hidden = order[: len(order) // 2], order[len(order) // 2 :]

    model = Siren()
    total_steps = 400
    optim = torch.optim.Adam(model.parameters(), lr=3e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optim, total_steps, eta_min=1e-5)
    for step in range(1, total_steps + 1):
        loss = (model(coords[seen]) - pixels[seen]).pow(2).mean()
        optim.zero_grad()
        loss.backward()
        optim.step()
        scheduler.step()
        if step % 50 == 0:
            with torch.no_grad():
                held_out = psnr(model(coords[hidden]), pixels[hidden])
            print(f"Step {step}, Total loss {loss.item():.6f}, PSNR on hidden pixels {held_out:.2f} dB")
    print(f"PSNR of the mean value: {psnr(pixels[seen].mean(), pixels[hidden]):.2f} dB")
    print(f"score: {held_out:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
