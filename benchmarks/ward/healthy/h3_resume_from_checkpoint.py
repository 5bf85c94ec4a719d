"""Training that is cut in two: after half of the epochs everything (model, optimizer, scheduler, epoch, random state)
is saved to a temporary file, new objects are made, the checkpoint is loaded and the training goes on.
"""

import sys
import tempfile
from pathlib import Path

import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)


def autoregressive_series(n):
    series = torch.zeros(n, 220)
    a = 1.6 + 0.3 * torch.rand(n)
    series[:, :2] = torch.randn(n, 2)
    for t in range(2, 220):
        series[:, t] = a * series[:, t - 1] - 0.95 * series[:, t - 2] + 0.1 * torch.randn(n)
    return series[:, 100:]


def windows(series, size=16):
    pieces = series.unfold(1, size + 1, 8).reshape(-1, size + 1)
    return pieces[:, :-1], pieces[:, -1:]


train, test = autoregressive_series(100), autoregressive_series(30)
std = train.std()
x, y = windows(train / std)
x_test, y_test = windows(test / std)


def make():
    model = nn.Sequential(
        nn.Linear(16, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20, eta_min=1e-4)
    return model, optimizer, scheduler


def run(model, optimizer, scheduler, first, last):
    for epoch in range(first, last):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(70):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            test_loss = nn.functional.mse_loss(model(x_test), y_test).item()
        print(f"epoch {epoch + 1}: train {total / len(x):.5f} test {test_loss:.5f}")
    return test_loss


parts = make()
run(*parts, 0, 10)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "last.pt"
    states = [part.state_dict() for part in parts]
    torch.save({"epoch": 10, "states": states, "rng": torch.get_rng_state()}, path)
    checkpoint = torch.load(path, weights_only=True)
parts = make()
for part, state in zip(parts, checkpoint["states"]):
    part.load_state_dict(state)
torch.set_rng_state(checkpoint["rng"])
print("resumed at epoch", checkpoint["epoch"] + 1)
error = run(*parts, checkpoint["epoch"], 20)
print(f"score: {1 - error / y_test.var(unbiased=False).item():.4f}")
