"""Strength of concrete from its recipe and age (made-up mixtures after Abrams' law): a two-hidden-layer regression
with a hand-made loop over numpy batches and MAE reported in MPa.
"""

import sys

import numpy as np
import torch

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


def mixtures(n):
    cement = rng.uniform(150, 500, n)
    slag = rng.uniform(0, 200, n) * (rng.random(n) < 0.5)
    water = rng.uniform(140, 220, n)
    plasticizer = rng.uniform(0, 15, n)
    sand = rng.uniform(600, 950, n)
    days = rng.choice([3, 7, 14, 28, 56, 90, 180], n)
    ratio = (water - 2 * plasticizer) / (cement + 0.7 * slag)
    strength = 110 / 6.0**ratio * (days / (4 + 0.85 * days)) - 0.006 * (sand - 775)
    return np.column_stack([cement, slag, water, plasticizer, sand, np.log(days)]), strength + rng.normal(0, 1.5, n)


x, y = mixtures(2400)
x_train, y_train, x_test, y_test = x[:1800], y[:1800], x[1800:], y[1800:]
x_mean, x_std, y_mean, y_std = x_train.mean(0), x_train.std(0), y_train.mean(), y_train.std()

net = torch.nn.Sequential(
    torch.nn.Linear(6, 40), torch.nn.SiLU(), torch.nn.Linear(40, 20), torch.nn.SiLU(), torch.nn.Linear(20, 1)
)
optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40)


def predict(rows):
    z = torch.from_numpy((rows - x_mean) / x_std).float()
    return net(z)[:, 0]


for epoch in range(1, 41):
    net.train()
    order = rng.permutation(len(x_train))
    epoch_loss = 0.0
    for start in range(0, len(order), 60):
        batch = order[start : start + 60]
        target = torch.from_numpy((y_train[batch] - y_mean) / y_std).float()
        loss = torch.mean((predict(x_train[batch]) - target) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(batch) / len(order)
    scheduler.step()
    if epoch % 8 == 0:
        net.eval()
        with torch.no_grad():
            mpa = predict(x_test).numpy() * y_std + y_mean
        print(f"epoch {epoch}: train mse {epoch_loss:.4f}, test MAE {np.abs(mpa - y_test).mean():.2f} MPa")

r2 = 1 - np.sum((mpa - y_test) ** 2) / np.sum((y_test - y_test.mean()) ** 2)
print(f"score: {r2:.4f}")
