"""Moisture of cocoa beans from near-infrared spectra: a one-dimensional convolution, SGD with the step of a published
recipe for a much larger network."""
# cause: learning-rate-too-low
# accept: under-trained
# kind: dynamic

import sys

import torch
from torch import nn
from torch.optim import SGD

HYPER = {
    "lr": 2e-5,  # FAULT
    # TWIN: "lr": 2e-2,
    "momentum": 0.9,
    "weight_decay": 1e-4,
    "epochs": 20,
    "batch": 50,
}


def spectra(n):
    moisture = torch.rand(n)
    fat = torch.rand(n)
    wave = torch.linspace(0, 1, 60)
    water = torch.exp(-((wave - 0.35) ** 2) / 0.004)
    water2 = torch.exp(-((wave - 0.8) ** 2) / 0.01)
    oil = torch.exp(-((wave - 0.55) ** 2) / 0.006)
    scatter = 0.3 * torch.randn(n, 1) + 0.3 * torch.randn(n, 1) * wave
    a = moisture.unsqueeze(1) * (1.2 * water + 0.6 * water2) + fat.unsqueeze(1) * oil + scatter
    x = a + 0.04 * torch.randn(n, 60)
    return (x - 0.25) / 0.5, (moisture - 0.5) * 3.46


class SpectrumNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 8, 7, stride=2, padding=3), nn.ReLU(), nn.Conv1d(8, 12, 5, stride=2, padding=2), nn.ReLU()
        )
        self.regress = nn.Sequential(nn.Linear(12 * 15, 24), nn.ReLU(), nn.Linear(24, 1))

    def forward(self, x):
        return self.regress(self.features(x.unsqueeze(1)).flatten(1)).squeeze(1)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    x, y = spectra(1500)
    x_val, y_val = spectra(400)
    model = SpectrumNet()
    optimizer = SGD(model.parameters(), lr=HYPER["lr"], momentum=HYPER["momentum"], weight_decay=HYPER["weight_decay"])
    loss_fn = nn.MSELoss()
    for epoch in range(HYPER["epochs"]):
        total = 0.0
        for idx in torch.randperm(len(x)).split(HYPER["batch"]):
            loss = loss_fn(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        with torch.no_grad():
            val = loss_fn(model(x_val), y_val).item()
        print(f"epoch {epoch + 1} train mse {total / len(x):.4f} val mse {val:.4f}")
    print(f"score: {1 - val / y_val.var().item():.4f}")


main()
