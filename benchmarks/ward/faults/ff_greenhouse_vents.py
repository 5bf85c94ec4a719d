"""How far the vents of a greenhouse will be open in an hour, from weather, crop and time of day.

Rates are written in one place only, the function `rate_at`: a short warm-up, then a cosine to zero.
"""
# cause: learning-rate-too-low
# accept: under-trained
# kind: dynamic

import math
import sys

import numpy as np
import torch
import torch.nn as nn

PEAK_RATE = 3e-3
BATCH = 64
EPOCHS = 25
CROPS = 6


def observe(count, rng):
    hour = rng.uniform(0, 24, size=count)
    outside = 12 + 8 * np.sin((hour - 9) / 24 * 2 * np.pi) + rng.normal(scale=4, size=count)
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None) * rng.uniform(0.2, 1.0, size=count)
    wind = rng.gamma(2.0, 2.0, size=count)
    humidity = rng.uniform(0.4, 1.0, size=count)
    crop = rng.integers(0, CROPS, size=count)
    wanted = np.array([16.0, 18.0, 20.0, 22.0, 24.0, 19.0])[crop]
    inside = outside + 14 * sun + 2
    demand = (inside - wanted) / 5 + 2.0 * np.clip(humidity - 0.8, 0, None) * 5
    opening = 1 / (1 + np.exp(-demand)) * np.where(wind > 7, 0.35, 1.0)
    opening = np.clip(opening + rng.normal(scale=0.03, size=count), 0, 1)
    clock = hour / 24 * 2 * np.pi
    table = np.stack([np.sin(clock), np.cos(clock), (outside - 12) / 7, sun * 2 - 0.5, wind / 4 - 1, humidity * 4 - 3])
    return [torch.tensor(table.T, dtype=torch.float32), torch.tensor(crop), torch.tensor(opening, dtype=torch.float32)]


class VentModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.crop = nn.Embedding(CROPS, 4)
        self.net = nn.Sequential(nn.Linear(10, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))

    def forward(self, table, crop):
        return self.net(torch.cat([table, self.crop(crop)], dim=1)).squeeze(1)


def rate_at(step, total, warm_up=50):
    if step < warm_up:
        return PEAK_RATE * (step + 1) / warm_up
    return PEAK_RATE * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (total - warm_up)))


@torch.no_grad()
def r_squared(model, data):
    model.eval()
    table, crop, opening = data
    return (1 - (model(table, crop) - opening).square().mean() / opening.var(unbiased=False)).item()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train, held_out = observe(4000, rng), observe(1000, rng)
    mean, spread = train[2].mean(), train[2].std()
    for part in (train, held_out):
        part[2] = (part[2] - mean) / spread

    model = VentModel()
    total = EPOCHS * math.ceil(len(train[0]) / BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=1e-4)  # FAULT
    # TWIN: optimizer = torch.optim.AdamW(model.parameters(), lr=1.0, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step, total))
    for epoch in range(EPOCHS):
        model.train()
        losses = []
        for rows in torch.randperm(len(train[0])).split(BATCH):
            table, crop, opening = (part[rows] for part in train)
            loss = nn.functional.mse_loss(model(table, crop), opening)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1:2d}: loss {np.mean(losses):.4f}, held-out R2 {r_squared(model, held_out):.4f}")
    print(f"score: {r_squared(model, held_out):.4f}")


if __name__ == "__main__":
    main()
