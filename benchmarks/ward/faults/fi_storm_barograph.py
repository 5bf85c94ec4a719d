"""Rain within six hours, fair, or gale, from a day of hourly readings of a ship's barograph (in pascal, as logged)."""
# cause: unscaled-inputs
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset, random_split


class Barograph(Dataset):
    """24 readings a day; the trend and its bend tell the weather."""

    def __init__(self, days, seed):
        rng = np.random.default_rng(seed)
        weather = rng.integers(3, size=days)
        t = np.linspace(0, 1, 24)
        level = 101_300 + rng.normal(0, 800, size=(days, 1))
        slope = np.array([900.0, -700.0, -700.0])[weather] + rng.normal(0, 350, days)
        bend = np.array([0.0, 0.0, -1500.0])[weather] + rng.normal(0, 300, days)
        tide = 120 * np.sin(4 * np.pi * t + rng.uniform(0, 2 * np.pi, size=(days, 1)))
        curve = level + slope[:, None] * t + bend[:, None] * t**2 + tide + rng.normal(0, 40, size=(days, 24))
        # TWIN: curve = (curve - 101_300) / 1000
        self.curve = torch.tensor(curve, dtype=torch.float32).unsqueeze(-1)
        self.weather = torch.tensor(weather)

    def __len__(self):
        return len(self.weather)

    def __getitem__(self, i):
        return self.curve[i], self.weather[i]


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 3)

    def forward(self, curve):
        _, (state, _) = self.lstm(curve)
        return self.head(state[-1])


def run_epoch(model, loader, optimizer=None):
    model.train(optimizer is not None)
    loss_sum = hits = 0.0
    with torch.set_grad_enabled(optimizer is not None):
        for curve, weather in loader:
            logits = model(curve)
            loss = nn.functional.cross_entropy(logits, weather)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
            loss_sum += loss.item() * len(weather)
            hits += (logits.argmax(1) == weather).sum().item()
    return loss_sum / len(loader.dataset), hits / len(loader.dataset)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train, held_out = random_split(Barograph(2500, seed), [2000, 500])
    train_loader = DataLoader(train, batch_size=40, shuffle=True)
    held_out_loader = DataLoader(held_out, batch_size=250)
    model = Forecaster()
    optimizer = optim.Adam(model.parameters(), lr=5e-3)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=8, gamma=0.3)
    for epoch in range(20):
        train_loss, train_accuracy = run_epoch(model, train_loader, optimizer)
        loss, accuracy = run_epoch(model, held_out_loader)
        scheduler.step()
        print(f"{epoch + 1:2d} | {train_loss:.4f} {train_accuracy:.3f} | {loss:.4f} {accuracy:.3f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
