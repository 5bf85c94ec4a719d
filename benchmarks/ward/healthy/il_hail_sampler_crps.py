"""A forecast of hail as a cloud of samples: noise goes into the network beside the weather, eight draws are compared
with what fell by the energy form of the CRPS. No opponent and no likelihood; the loss cannot reach zero."""

import sys

import torch
from torch import nn

DRAWS, NOISE = 8, 4


class Sampler(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(5 + NOISE, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))

    def forward(self, weather, draws=DRAWS):
        weather = weather.unsqueeze(1).expand(-1, draws, -1)
        noise = torch.randn(*weather.shape[:2], NOISE)
        return self.net(torch.cat([weather, noise], dim=2)).squeeze(2)


def crps(samples, observed):
    """E|X - y| - E|X - X'| / 2, the second without the pairs of a sample with itself."""
    draws = samples.size(1)
    near = (samples - observed.unsqueeze(1)).abs().mean(1)
    pairs = (samples.unsqueeze(1) - samples.unsqueeze(2)).abs().sum((1, 2)) / (draws * (draws - 1))
    return (near - pairs / 2).mean()


def hail(count):
    """Spread and skewness depend on the weather."""
    weather = torch.randn(count, 5)
    middle = weather[:, 0] + torch.sin(2 * weather[:, 1])
    spread = 0.2 + 0.5 * torch.sigmoid(2 * weather[:, 2])
    return weather, middle + spread * (torch.empty(count).exponential_() - 1)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    weather, fell = hail(5000)
    held_weather, held_fell = hail(1000)
    climate = crps(fell[torch.randint(0, 5000, (1000, 50))], held_fell).item()

    model = Sampler()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 900)
    for step in range(900):
        rows = torch.randint(0, 5000, (128,))
        loss = crps(model(weather[rows]), fell[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step % 100 == 99:
            with torch.no_grad():
                held = crps(model(held_weather, 50), held_fell).item()
            print(f"step {step + 1}: crps {loss.item():.4f}, held out {held:.4f}, climate {climate:.4f}")
    print(f"score: {1 - held / climate:.4f}")


main()
