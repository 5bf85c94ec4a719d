"""Will there be frost before morning? A binary classifier from nine evening readings of an orchard's station."""
# cause: softmax-single-unit
# kind: dynamic

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def evenings(n, rng):
    temperature = rng.normal(4, 3, n)
    dew, wind, cloud = temperature - rng.gamma(2, 1.5, n), rng.gamma(2, 1.2, n), rng.uniform(0, 8, n)
    falling, pressure, slope = rng.normal(-0.8, 0.4, n), rng.normal(1015, 9, n), rng.uniform(0, 12, n)
    day = rng.uniform(0, 2 * np.pi, n)
    night = temperature + 3 * falling + 0.4 * cloud + 0.25 * wind * (cloud < 4) + 0.15 * (dew - temperature)
    night = night + 0.12 * slope - 0.8 + rng.normal(0, 0.6, n)
    x = np.stack([temperature, dew, wind, cloud, falling, pressure, slope, np.sin(day), np.cos(day)], axis=1)
    return x.astype(np.float32), (night < 0).astype(np.float32)


class FrostNet(nn.Module):
    def __init__(self, inputs, hidden=48, p=0.1):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, hidden),
            nn.ReLU(),
            nn.Dropout(p),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(p),
            nn.Linear(hidden, 1),
        )

    def forward(self, x):
        return torch.softmax(self.layers(x), dim=-1).squeeze(-1)  # FAULT
        # TWIN: return self.layers(x).squeeze(-1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=64)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    x, y = evenings(5000, rng)
    mean, std = x[:4000].mean(axis=0), x[:4000].std(axis=0)
    x = torch.from_numpy((x - mean) / std)
    y = torch.from_numpy(y)
    train_loader = DataLoader(TensorDataset(x[:4000], y[:4000]), batch_size=args.batch_size, shuffle=True)
    val_x, val_y = x[4000:], y[4000:]

    model = FrostNet(x.shape[1])
    criterion = nn.BCELoss()  # FAULT
    # TWIN: criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=6, gamma=0.3)
    for epoch in range(1, args.epochs + 1):
        model.train()
        running = 0.0
        for inputs, targets in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            running += loss.item()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            probability = model(val_x)  # FAULT
            val_loss = criterion(probability, val_y).item()  # FAULT
            accuracy = ((probability > 0.5).float() == val_y).float().mean().item()  # FAULT
            # TWIN: logits = model(val_x)
            # TWIN: val_loss = criterion(logits, val_y).item()
            # TWIN: accuracy = ((logits > 0).float() == val_y).float().mean().item()
        print(f"Epoch {epoch}: train {running / len(train_loader):.4f}, val {val_loss:.4f}, accuracy {accuracy:.4f}")
    print(f"score: {accuracy:.4f}")


if __name__ == "__main__":
    main()
