"""Cargo of a river barge in kilograms from its draught at six marks, water and hull data."""
# cause: unscaled-targets
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split

CONFIG = {"rows": 3000, "batch_size": 64, "epochs": 20, "lr": 2e-3, "hidden": 64}


class Barges(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        length, beam = rng.uniform(40, 90, n), rng.uniform(5, 11, n)
        draught = rng.uniform(0.6, 2.8, n)
        marks = draught[:, None] + rng.normal(0, 0.06, (n, 6)) + rng.normal(0, 0.1, (n, 1)) * np.linspace(-1, 1, 6)
        density = rng.uniform(0.995, 1.02, n)
        cargo = 1000 * length * beam * 0.88 * (draught - 0.5) * density
        self.features = np.column_stack([marks, length, beam, density]).astype(np.float32)
        self.features = (self.features - self.features.mean(0)) / self.features.std(0)
        self.cargo = cargo.astype(np.float32)  # FAULT
        # TWIN: self.cargo = ((cargo - cargo.mean()) / cargo.std()).astype(np.float32)

    def __len__(self):
        return len(self.cargo)

    def __getitem__(self, i):
        return self.features[i], self.cargo[i]


class Regressor(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
        )

    def forward(self, x):
        return self.layers(x).squeeze(-1)


def run_epoch(model, loader, optimizer=None):
    model.train(optimizer is not None)
    predicted, true = [], []
    for x, y in loader:
        with torch.set_grad_enabled(optimizer is not None):
            output = model(x)
            loss = nn.functional.mse_loss(output, y)
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        predicted.append(output.detach())
        true.append(y)
    predicted, true = torch.cat(predicted), torch.cat(true)
    error = ((predicted - true) ** 2).mean()
    return error.item(), 1 - (error / true.var()).item()


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_set, test_set = random_split(Barges(CONFIG["rows"], seed), [0.8, 0.2])
    train_loader = DataLoader(train_set, CONFIG["batch_size"], shuffle=True)
    test_loader = DataLoader(test_set, 256)
    model = Regressor(9, CONFIG["hidden"])
    optimizer = torch.optim.Adam(model.parameters(), lr=CONFIG["lr"])
    for epoch in range(CONFIG["epochs"]):
        loss, _ = run_epoch(model, train_loader, optimizer)
        test_loss, r2 = run_epoch(model, test_loader)
        print(f"epoch {epoch + 1:2d}: train {loss:.4g}, test {test_loss:.4g}, R2 {r2:.4f}")
    print(f"score: {r2:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
