"""Demand for a city's scooters, learned in one pass over a stream whose law drifts: predict first, learn after.

No example is seen twice and there is no held-out part; the quality is that of the predictions made before each update.
"""
# cause: missing-nonlinearity
# kind: dynamic

import math
import sys

import torch
from torch import nn


class Stream:
    """Mini-batches in the order of time; the effect of weather on demand turns slowly."""

    def __init__(self, batches, size):
        self.batches, self.size = batches, size

    def __iter__(self):
        for i in range(self.batches):
            turn = 0.8 * math.sin(2 * math.pi * i / self.batches)
            warm, wet, hour, event = torch.randn(4, self.size).clamp(-2.5, 2.5).unbind(0)
            demand = 0.8 * torch.sin(1.5 * hour) + (0.6 + turn) * warm - 0.5 * torch.relu(wet) + 0.4 * event * hour
            demand = demand + 0.2 * torch.randn(self.size)
            yield torch.stack([warm, wet, hour, event], dim=1), demand.unsqueeze(1)

    def __len__(self):
        return self.batches


def main(seed):
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    # TWIN: model = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    model = nn.Sequential(  # FAULT
        nn.Linear(4, 64),  # FAULT
        nn.LeakyReLU(1.0),  # FAULT
        nn.Linear(64, 64),  # FAULT
        nn.LeakyReLU(1.0),  # FAULT
        nn.Linear(64, 1),  # FAULT
    )  # FAULT
    # the rate stays up: the law never comes to rest
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    stream = Stream(batches=4000, size=32)
    errors, spreads = [], []
    for i, (inputs, demand) in enumerate(stream, start=1):
        prediction = model(inputs)
        loss = nn.functional.mse_loss(prediction, demand)
        errors.append(loss.item())
        spreads.append(demand.pow(2).mean().item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if i % 400 == 0:
            recent = 1 - sum(errors[-400:]) / sum(spreads[-400:])
            print(f"{i:5d} of {len(stream)}: error {sum(errors[-400:]) / 400:.4f}, explained {recent:.4f}")
    print(f"score: {1 - sum(errors[1000:]) / sum(spreads[1000:]):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
