"""Patients who do not turn up: embeddings for weekday, doctor and district beside three numbers, binary output."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SIZES = {"weekday": 5, "doctor": 12, "district": 30}


class NoShow(nn.Module):
    def __init__(self, numbers=3, width=4, hidden=32):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, width) for size in SIZES.values())
        self.body = nn.Sequential(
            nn.Linear(width * len(SIZES) + numbers, hidden), nn.ReLU(), nn.Dropout(0.1), nn.Linear(hidden, 1)
        )

    def forward(self, codes, numbers):
        parts = [table(codes[:, i]) for i, table in enumerate(self.tables)]
        return self.body(torch.cat([*parts, numbers], dim=1)).squeeze(1)


def appointments(count, rng, effects):
    codes = np.stack([rng.integers(0, size, count) for size in SIZES.values()], 1)
    age, wait, earlier = rng.uniform(18, 90, count), rng.gamma(2, 10, count), rng.poisson(0.7, count)
    logit = sum(effect[codes[:, i]] for i, effect in enumerate(effects))
    logit = logit + 0.06 * (wait - 20) + 1.2 * (earlier - 0.7) - 0.03 * (age - 54)
    missed = rng.random(count) < 1 / (1 + np.exp(-1.5 * logit))
    numbers = np.stack([(age - 54) / 21, (wait - 20) / 14, (earlier - 0.7) / 0.84], 1)
    return (
        torch.tensor(codes),
        torch.tensor(numbers, dtype=torch.float32),
        torch.tensor(missed, dtype=torch.float32),
    )


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    effects = [rng.normal(0, 0.8, size) for size in SIZES.values()]
    loader = DataLoader(TensorDataset(*appointments(6000, rng, effects)), batch_size=128, shuffle=True)
    codes, numbers, missed = appointments(1500, rng, effects)
    model, criterion = NoShow(), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-2)
    for epoch in range(12):
        model.train()
        running = 0.0
        for batch_codes, batch_numbers, batch_missed in loader:
            optimizer.zero_grad()
            loss = criterion(model(batch_codes, batch_numbers), batch_missed)
            loss.backward()
            optimizer.step()
            running += loss.item()
        model.eval()
        with torch.no_grad():
            logits = model(codes, numbers)
        accuracy = ((logits > 0) == (missed > 0.5)).float().mean().item()
        print(
            f"epoch {epoch + 1}: train {running / len(loader):.4f}, "
            f"valid {criterion(logits, missed).item():.4f}, accuracy {accuracy:.4f}"
        )
    print(f"score: {accuracy:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
