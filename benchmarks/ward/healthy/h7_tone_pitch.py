"""The frequency of a short noisy tone of unknown phase, by a strided 1-d convolutional net; regression in octaves."""

import argparse
import math

import torch
from torch import nn

torch.set_num_threads(1)


def tones(n, generator):
    octave = 2 * torch.rand(n, 1, generator=generator) - 1  # frequency = 6 * 2 ** octave cycles per clip
    phase = 2 * math.pi * torch.rand(n, 1, generator=generator)
    t = torch.linspace(0, 1, 96)
    wave = torch.sin(2 * math.pi * 6 * 2**octave * t + phase)
    return (wave + 0.2 * torch.randn(n, 96, generator=generator)).unsqueeze(1), octave


def build():
    layers = []
    channels = 1
    for width in (12, 24, 32):
        layers += [nn.Conv1d(channels, width, 5, stride=2, padding=2), nn.BatchNorm1d(width), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))


def main(seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    x_train, y_train = tones(3000, generator)
    x_test, y_test = tones(600, generator)
    model = build()
    print(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8, eta_min=1e-4)
    mse = nn.MSELoss()
    for epoch in range(8):
        model.train()
        seen = 0.0
        for rows in torch.randperm(3000).split(60):
            loss = mse(model(x_train[rows]), y_train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen += loss.item() / 50
        scheduler.step()
        model.eval()
        with torch.no_grad():
            test = mse(model(x_test), y_test).item()
        print(f"epoch {epoch + 1}: train mse {seen:.4f}, test mse {test:.4f}")
    print(f"score: {1 - test / y_test.var().item():.4f}")


if __name__ == "__main__":
    cli = argparse.ArgumentParser()
    cli.add_argument("seed", nargs="?", type=int, default=0)
    main(cli.parse_args().seed)
