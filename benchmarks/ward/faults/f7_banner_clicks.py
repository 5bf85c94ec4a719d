"""Will a banner be renewed, from clicks, impressions and price. The click rate divides by the impressions, which are
zero for a banner that was never shown."""
# cause: non-finite-input
# kind: dynamic

import sys

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
torch.manual_seed(seed)
rng = np.random.default_rng(seed)


def campaign(n):
    quality = rng.normal(size=n)
    impressions = rng.poisson(np.exp(rng.normal(4.0, 1.0, n)))
    impressions[rng.random(n) < 0.03] = 0
    clicks = rng.binomial(impressions, 1 / (1 + np.exp(2.0 - 0.9 * quality)))
    price = rng.gamma(3.0, 1.0, n)
    age = rng.integers(1, 24, n)
    margin = 1.8 * quality - 0.5 * (price - 3) + 0.6 * np.sin(age / 4) + rng.logistic(size=n) * 0.5
    return impressions, clicks, price, age, (margin > 0).astype(np.float32)


def features(impressions, clicks, price, age):
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = clicks / impressions  # FAULT
        # TWIN: rate = (clicks + 1) / (impressions + 8)
    columns = [rate * 8 - 1.2, np.log1p(impressions) / 2 - 2, price / 2 - 1.5, age / 7 - 1.7]
    return torch.from_numpy(np.stack(columns, axis=1).astype(np.float32))


*raw, y = campaign(2500)
*raw_test, y_test = campaign(600)
x, y = features(*raw), torch.from_numpy(y)
x_test, y_test = features(*raw_test), torch.from_numpy(y_test)

model = nn.Sequential(nn.Linear(4, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
loss_fn = nn.BCEWithLogitsLoss()
for epoch in range(12):
    losses = []
    for idx in torch.randperm(len(x)).split(50):
        optimizer.zero_grad()
        loss = loss_fn(model(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        acc = ((model(x_test) > 0).float() == y_test).float().mean().item()
    print(f"epoch {epoch} loss {np.mean(losses):.4f} renewals right {acc:.4f}")
print(f"score: {acc:.4f}")
