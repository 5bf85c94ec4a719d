"""Names the kind of fault a loom runs into (eight kinds) from 24 readings of four tension sensors, with a small GRU."""
# cause: underfitting
# kind: dynamic

import argparse

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

CONFIG = {
    "kinds": 8,
    "sensors": 4,
    "readings": 24,
    "hidden": 2,  # FAULT
    # TWIN: "hidden": 40,
    "batch_size": 50,
    "lr": 5e-3,
    "epochs": 12,
}


def make_runs(rng, count):
    kind = rng.integers(0, CONFIG["kinds"], count)
    steps = np.arange(CONFIG["readings"])
    shapes = np.random.default_rng(7).normal(size=(CONFIG["kinds"], CONFIG["sensors"], 3))
    basis = np.stack([np.sin(2 * np.pi * steps / 24), np.cos(2 * np.pi * steps / 12), np.sin(2 * np.pi * steps / 8)])
    curves = (shapes[kind] * rng.normal(1.0, 0.2, size=(count, 1, 3))) @ basis
    curves = curves + rng.normal(0, 1.1, size=curves.shape)
    return curves.transpose(0, 2, 1).astype(np.float32), kind


class LoomGRU(nn.Module):
    def __init__(self, sensors, hidden, kinds):
        super().__init__()
        self.gru = nn.GRU(sensors, hidden, batch_first=True)
        self.classify = nn.Linear(hidden, kinds)

    def forward(self, x):
        states, _ = self.gru(x)
        return self.classify(states.mean(dim=1))


def evaluate(model, x, y):
    model.eval()
    with torch.inference_mode():
        logits = model(x)
    return nn.functional.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", default=0)
    seed = parser.parse_args().seed
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)

    x, y = make_runs(rng, 1900)
    centre, spread = x[:1500].mean((0, 1)), x[:1500].std((0, 1))
    x, y = torch.from_numpy((x - centre) / spread), torch.from_numpy(y)
    loader = DataLoader(TensorDataset(x[:1500], y[:1500]), CONFIG["batch_size"], shuffle=True)

    model = LoomGRU(CONFIG["sensors"], CONFIG["hidden"], CONFIG["kinds"])
    optimizer = torch.optim.Adam(model.parameters(), lr=CONFIG["lr"])
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, CONFIG["epochs"])
    for epoch in range(CONFIG["epochs"]):
        model.train()
        total = 0.0
        for runs, kinds in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(runs), kinds)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += loss.item() * len(kinds)
        scheduler.step()
        val_loss, val_accuracy = evaluate(model, x[1500:], y[1500:])
        print(f"{epoch + 1:2d} train {total / 1500:.3f} val {val_loss:.3f} accuracy {val_accuracy:.3f}")
    print(f"score: {val_accuracy:.4f}")


if __name__ == "__main__":
    main()
