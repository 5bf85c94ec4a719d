"""Gas mixture from sixteen metal-oxide sensors, the 12-bit converter readings fed to the network as they are."""
# cause: unscaled-inputs
# kind: dynamic

import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class GasArray(Dataset):
    """Readings in converter counts (0..4095) and the mixture, 0..4."""

    def __init__(self, n, seed, split):
        fixed = np.random.default_rng(seed)
        response = fixed.normal(0, 1, (5, 16))
        baseline = fixed.uniform(1800, 2200, 16)
        rng = np.random.default_rng([seed, split])
        mixture = rng.integers(0, 5, n)
        strength = rng.uniform(0.6, 1.4, (n, 1))
        counts = baseline + 150 * strength * response[mixture] + rng.normal(0, 90, (n, 16))
        counts = np.clip(np.round(counts), 0, 4095)
        self.counts = torch.tensor(counts, dtype=torch.float32)
        # TWIN: self.counts = (self.counts - 2000.0) / 200.0
        self.mixture = torch.tensor(mixture)

    def __len__(self):
        return len(self.mixture)

    def __getitem__(self, i):
        return self.counts[i], self.mixture[i]


class Nose(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden1 = nn.Linear(16, 50)
        self.hidden2 = nn.Linear(50, 50)
        self.out = nn.Linear(50, 5)

    def forward(self, x):
        x = torch.tanh(self.hidden1(x))
        x = torch.tanh(self.hidden2(x))
        return self.out(x)


def run_epoch(model, loader, criterion, optimizer=None):
    loss_sum, right, n = 0.0, 0, 0
    with torch.set_grad_enabled(optimizer is not None):
        for x, y in loader:
            out = model(x)
            loss = criterion(out, y)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loss_sum += loss.item() * len(y)
            right += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss_sum / n, right / n


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int, nargs="?", default=0)
    seed = parser.parse_args().seed
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_loader = DataLoader(GasArray(2000, seed, 0), batch_size=32, shuffle=True)
    val_loader = DataLoader(GasArray(500, seed, 1), batch_size=250)
    model = Nose()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(10):
        train_loss, train_acc = run_epoch(model, train_loader, criterion, optimizer)
        val_loss, val_acc = run_epoch(model, val_loader, criterion)
        print(f"{epoch + 1:2d} loss {train_loss:.4f}/{val_loss:.4f} accuracy {train_acc:.3f}/{val_acc:.3f}")
    print(f"score: {val_acc:.4f}")
