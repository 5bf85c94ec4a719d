"""Aligning pairs of satellite tiles without knowing the shift between them: the network sees both and is judged only by
how well the second, moved back through a differentiable sampler, matches the first. Noise and clouds leave a loss that
cannot be removed. The last layer begins at zero (no shift). Score: share of held-out pairs aligned within a pixel.
"""

import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
SIZE, LARGEST = 24, 3.5


def smooth_terrain(n, size):
    coarse = F.interpolate(torch.randn(n, 1, size // 6, size // 6), size=(size, size), mode="bicubic")
    fine = F.interpolate(torch.randn(n, 1, size // 3, size // 3), size=(size, size), mode="bicubic")
    return coarse + 0.5 * fine


def shifted(images, shift):
    """Sample `images` at positions displaced by `shift` (in pixels: x, y)."""
    size = images.shape[-1]
    theta = torch.zeros(len(images), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 1.0
    theta[:, :, 2] = shift * 2 / size
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def pairs(n):
    terrain = smooth_terrain(n, 36)
    shift = (2 * torch.rand(n, 2) - 1) * LARGEST
    moved = shifted(terrain, shift)
    crop = slice(6, 30)
    first, second = terrain[:, :, crop, crop], moved[:, :, crop, crop]
    return first + 0.25 * torch.randn_like(first), second + 0.25 * torch.randn_like(second), shift


class Aligner(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 12, 5, 2, 2), nn.ReLU(), nn.Conv2d(12, 8, 3, padding=1))
        self.score = nn.Sequential(nn.Linear(25, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
        nn.init.zeros_(self.score[-1].weight)
        nn.init.zeros_(self.score[-1].bias)

    def forward(self, first, second):
        a, b = F.normalize(self.encoder(first), dim=1), F.normalize(self.encoder(second), dim=1)
        inner = a[:, :, 2:-2, 2:-2]
        side = SIZE // 2 - 4
        volume = [(inner * b[:, :, i : i + side, j : j + side]).mean((1, 2, 3)) for i in range(5) for j in range(5)]
        return LARGEST * 1.3 * torch.tanh(self.score(20 * torch.stack(volume, 1)))


def charbonnier(first, second, shift):
    inner = slice(5, -5)
    difference = first - shifted(second, shift)
    return (difference[:, :, inner, inner].pow(2) + 1e-2).sqrt().mean()


if __name__ == "__main__":
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    first, second, _ = pairs(1600)
    test_first, test_second, test_shift = pairs(400)
    model = Aligner()
    optimizer = torch.optim.NAdam(model.parameters(), lr=2e-3)
    epochs = 9
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs, 1e-5)
    for epoch in range(1, epochs + 1):
        total = 0.0
        for idx in torch.randperm(len(first)).split(40):
            loss = charbonnier(first[idx], second[idx], model(first[idx], second[idx]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        scheduler.step()
        with torch.no_grad():
            estimate = model(test_first, test_second)
            test_loss = charbonnier(test_first, test_second, estimate).item()
            ideal = charbonnier(test_first, test_second, -test_shift).item()
        aligned = ((estimate + test_shift).norm(dim=1) < 1).float().mean().item()
        print(f"epoch {epoch}: {total / len(first):.4f} test {test_loss:.4f} (truth {ideal:.4f}) aligned {aligned:.4f}")
    print(f"score: {aligned:.4f}")
